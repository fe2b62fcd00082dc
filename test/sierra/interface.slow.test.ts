import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeys } from '../../experiment/bucket-layout.ts';
import { parseJoblog } from '../../experiment/joblog.ts';
import { sierraVenv } from '../../scripts/sierra-venv.ts';
import type { RealSierra } from './real-sierra.ts';
import { BATCH_ROOT, INSTALLING, realSierra } from './real-sierra.ts';

beforeAll(async () => {
  bin = await sierraVenv();
}, INSTALLING);

let sierra: RealSierra | undefined;

/** What one run of stages 1 to 4 on four nodes shows; each test is a line of SIERRA's page on its AWS Batch plugin. */
describe('the AWS Batch-SIERRA interface', () => {
  let output = '';
  let events: { event: string; [field: string]: unknown }[] = [];
  let codes: number[] = [];

  beforeAll(async () => {
    sierra = await realSierra(
      { pipeline: [1, 2, 3, 4] },
      { cluster: { nodes: 4, vcpus: 2, memoryMiB: 512 }, minNodes: 4, environment: SAYS_ITS_ENVIRONMENT },
    );
    writeFileSync(join(sierra.root, 'project/engines/forage/simulate.py'), WRITES_ENVIRONMENT, { flag: 'a' });
    writeFileSync(join(sierra.root, 'project/projects/swarm/cmdline.py'), SAYS_NODEFILE, { flag: 'a' });
    ({ codes, output } = await sierra.run({
      LD_LIBRARY_PATH: '/opt/sim/lib',
      PARALLEL: '--env WANTED',
      WANTED: 'a  b',
    }));
    events = output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  }, 180_000);
  afterAll(() => sierra?.cluster.close());

  const at = (event: string, field = 'event', value: unknown = event) =>
    events.findIndex((one) => one.event === event && one[field] === value);
  const timeOf = (index: number) => Date.parse(String(events[index]?.time));
  const saw = () =>
    there()
      .files(`${BATCH_ROOT}/exp-outputs`)
      .filter((file) => file.endsWith('environment'))
      .map((file) =>
        Object.fromEntries(
          there()
            .read(file)
            .split('\0')
            .map((pair) => split(pair)),
        ),
      );

  it('is run as node 0 in a multi-node job', () => {
    expect(codes, output).toEqual([0, 0, 0, 0]);
    expect(events.filter(({ event }) => event === 'Sierra:Stage:Started').map(({ self }) => self)).toEqual([
      0, 0, 0, 0,
    ]);
  });

  it('nodes > 0 wait until stage 2 has ended on node 0, and are released before stage 3', () => {
    const ends = events.flatMap(({ event }, index) => (event === 'Node:Ends' ? [index] : []));
    expect(ends).toHaveLength(3);
    expect(Math.min(...ends.map((index) => timeOf(index)))).toBeGreaterThanOrEqual(
      timeOf(at('Sierra:Stage:Ended', 'stage', 2)),
    );
  });

  it('all nodes in --nodefile are available when SIERRA starts', () => {
    const nodelist =
      there()
        .files(BATCH_ROOT)
        .find((file) => file.endsWith('-nodelist.txt')) ?? '';
    expect(there().read(nodelist).trim().split('\n').sort()).toEqual(
      [0, 1, 2, 3].map((index) => there().cluster.address(index)),
    );
    const started = at('Sierra:Stage:Started', 'stage', 1);
    expect(events.slice(0, started).filter(({ event }) => event === 'Node:Joined')).toHaveLength(4);
  });

  it('SIERRA_NODEFILE names the same file as --nodefile', () => {
    const said = [...output.matchAll(/nodefile by variable (\S+?)"/g)].map(([, path]) => path);
    expect(new Set(said)).toEqual(new Set([join(there().root, '../nodefile')]));
  });

  it('nodes communicate over ssh, and every node is used', () => {
    expect(new Set(joblogRows().map(({ host }) => host)).size).toBeGreaterThan(1);
    expect(output).toContain('Sierra:EnginesChecked');
  });

  it('--sierra-root is on shared storage, and the graphs are among the outputs', async () => {
    const index = await there().cluster.text(runKeys(there().cluster.runId).outputIndex);
    expect(index).toContain('graphs/inter-exp/SM-food-by-swarm-size.png');
    expect(index).toContain('graphs/c1-exp0/SLN-food-over-time.png');
  });

  it('PARALLEL carries the names of the user to every run, and SIERRA appends to it', () => {
    expect(saw()).toHaveLength(4);
    for (const environment of saw()) expect(environment.WANTED).toBe('a  b');
  });

  it('PARALLEL_SHELL is overwritten with bash', () => {
    // Of all shells only bash puts the program's own path into `_`.
    for (const { _: program } of saw()) expect(program).toMatch(/python3$/);
  });

  it('LD_LIBRARY_PATH and PATH arrive as node 0 has them, without what is in front of them there', () => {
    for (const environment of saw()) {
      expect(environment.LD_LIBRARY_PATH).toBe('/opt/sim/lib');
      expect(environment.PATH).toBe(`${bin}:${process.env.PATH}`);
    }
  });

  it('PYTHONPATH can be undefined, and then stays so', () => {
    for (const environment of saw()) expect(environment).not.toHaveProperty('PYTHONPATH');
  });

  it('AWS_BATCH_JOB_ID names the list of nodes, AWS_BATCH_JOB_NUM_NODES is each node\u2019s own', () => {
    expect(there().files(BATCH_ROOT)).toContain(`${BATCH_ROOT}/${there().cluster.jobId}#0-nodelist.txt`);
    for (const environment of saw()) expect(environment.AWS_BATCH_JOB_NUM_NODES).toBe('4');
  });

  it('the joblog and the results lie where SIERRA has them', () => {
    expect(joblogRows().map(({ exitval }) => exitval)).toEqual([0, 0, 0, 0]);
    expect(
      there()
        .files(`${BATCH_ROOT}/scratch/1`)
        .filter((file) => file.endsWith('/seq')),
    ).not.toEqual([]);
  });

  it('leaves no process, socket, key or temporary file', () => {
    expect(there().cluster.leftovers()).toEqual([]);
  });
});

let bin = '';
const SAYS_ITS_ENVIRONMENT = { SAYS_ITS_ENVIRONMENT: '1' };
const SAYS_NODEFILE =
  '\nimport os, sys\nprint("nodefile by variable", os.environ["SIERRA_NODEFILE"], file=sys.stderr)\n';
/** Appended to the simulation: what a run sees, beside its results. */
const WRITES_ENVIRONMENT = `
import os
_where = pathlib.Path(json.loads(pathlib.Path(sys.argv[1]).read_text())["output"]).parent / "environment"
_where.write_text("\\0".join(f"{name}={value}" for name, value in os.environ.items()))
`;

function there(): RealSierra {
  if (sierra === undefined) throw new Error('SIERRA was not started');
  return sierra;
}

function joblogRows() {
  return parseJoblog(there().read(`${BATCH_ROOT}/scratch/parallel.log`));
}

function split(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}
