import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { OutputIndex } from '../../../../experiment/records/outputs.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';
import { readJson, readText } from '../../../../test/aws/read-object.ts';
import type { Ended } from '../../../worlds/cluster/faults/fault-run.ts';
import { VERSIONS } from '../project-for.ts';
import { ARGS, BATCH_ROOT, INSTALLING } from '../real-sierra.ts';
import type { SierraOnMachinesOptions } from '../sierra-on-machines.ts';
import { SierraOnMachines } from '../sierra-on-machines.ts';

/** All where they are asked for; among all slow tests the one that people install, for time's sake. */
const TRIED = process.env.SIERRA_BATCH_EVERY_SIERRA === undefined ? VERSIONS.slice(0, 1) : VERSIONS;

const isRoot = process.getuid?.() === 0;
const NODES = 4;
const RUNS = 8;
/** Two experiments of four runs, a second each: some for every slot. */
const args = ARGS.map((argument) => argument.replace('--n-runs=2', '--n-runs=4'));

beforeAll(async () => {
  for (const version of TRIED) await sierraVenv(version);
}, 2 * INSTALLING);

/** What one run of stages 1 to 4 on four machines shows; each test is a line of SIERRA's page on its AWS Batch plugin. */
(isRoot ? describe : describe.skip).each(TRIED)('the AWS Batch-SIERRA interface, %s', (version) => {
  let sierra: SierraOnMachines | undefined;
  let ended: Ended | undefined;

  beforeAll(async () => {
    // As the image has them.
    vi.stubEnv('LD_LIBRARY_PATH', '/opt/sim/lib');
    vi.stubEnv('PYTHONPATH', '/opt/sim/python');
    vi.stubEnv('PARALLEL', '--env LANG');
    vi.stubEnv('LANG', 'C.UTF-8');
    sierra = await SierraOnMachines.start({
      version,
      nodes: NODES,
      args,
      environment: { PARALLEL_SHELL: '/bin/dash' },
      additions: {
        'engines/forage/simulate.py': TELLS_WHERE_IT_RUNS,
        'projects/swarm/cmdline.py': TELLS_NODEFILE,
      },
    });
    ended = await sierra.run.ended();
  }, 180_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await sierra?.run.close();
  });

  const there = () => {
    if (sierra === undefined || ended === undefined) throw new Error('SIERRA was not run');
    return { ...ended, sierra, run: sierra.run };
  };
  const events = (node: number, name: string) => there().run.events(node, name);
  const timeOf = (node: number, name: string, field = 'event', value: unknown = name) =>
    Date.parse(String(events(node, name).find((one) => one[field] === value)?.time));
  const stage = (what: 'Started' | 'Ended', number: number) =>
    timeOf(0, `Sierra:Stage:${what}`, 'stage', number);
  const workers = [1, 2, 3];
  const told = () => toldBy(there().sierra);
  const joblog = () => parseJoblog(there().sierra.read(`${BATCH_ROOT}/scratch/parallel.log`));

  it('SIERRA is run as node 0 in a multi-node job, from the dropped manifest to the report', async () => {
    const { exitCode, summary, run } = there();
    expect({ exitCode, said: exitCode === 0 ? '' : run.log(0) }).toEqual({ exitCode: 0, said: '' });
    expect(summary).toMatchObject({ outcome: 'succeeded', tasks: { total: RUNS, succeeded: RUNS } });
    expect(events(0, 'Sierra:Stage:Started').map((one) => one.stage)).toEqual([1, 2, 3, 4]);
    for (const node of workers) expect(events(node, 'Sierra:Stage:Started')).toEqual([]);
    expect(await readText(run.system.s3, run.system.bucket, runKeys(run.runId).report)).toContain('<html');
  });

  it('nodes > 0 wait and do not exit until stage 2 has ended on node 0; they are released before stage 3', async () => {
    for (const node of workers) {
      expect(await there().run.exitOf(node)).toBe(0);
      expect(timeOf(node, 'Node:Ends')).toBeGreaterThanOrEqual(stage('Ended', 2));
      expect(timeOf(node, 'Node:Ends')).toBeLessThanOrEqual(stage('Started', 3));
    }
  });

  it('all nodes in --nodefile are available when SIERRA starts', () => {
    const nodelist = there()
      .sierra.read(`${BATCH_ROOT}/${there().run.jobId}#0-nodelist.txt`)
      .trim()
      .split('\n');
    expect(nodelist).toEqual(['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13']);
    for (const node of [0, ...workers]) {
      expect(timeOf(node, 'Sshd:Up')).toBeLessThan(stage('Started', 1));
      expect(timeOf(0, 'Node:Joined', 'index', node)).toBeLessThanOrEqual(stage('Started', 1));
    }
  });

  it('all nodes have the same number of CPUs', () => {
    const { nodes } = there();
    expect(nodes).toHaveLength(NODES);
    expect(new Set(nodes.map(({ cpus }) => cpus)).size).toBe(1);
  });

  it('nodes communicate with each other by ssh on port 22, and runs are spread over all of them', () => {
    for (const node of [0, ...workers]) expect(events(node, 'Sshd:Up').map((one) => one.port)).toEqual([22]);
    // Asked by plain ssh, with nothing but the address.
    expect(events(0, 'Sierra:EnginesChecked').map((one) => one.nodes)).toEqual([NODES]);
    expect([...new Set(told().map(({ host }) => host))].sort()).toEqual([
      'node-0',
      'node-1',
      'node-2',
      'node-3',
    ]);
  });

  it('--sierra-root is on shared storage of all nodes, and the graphs are among the outputs', async () => {
    const { run } = there();
    for (const { argument } of told())
      expect(argument).toMatch(new RegExp(`^/mnt/efs/runs/${run.runId}/work/${BATCH_ROOT}/exp-inputs/`));
    expect(told()).toHaveLength(RUNS);
    const { s3, bucket } = run.system;
    const index = await readJson<OutputIndex>(s3, bucket, runKeys(run.runId).outputIndex);
    const graphs = index?.files.map(({ path }) => path).filter((path) => path.endsWith('.png'));
    expect(graphs?.toSorted()).toEqual([
      `${BATCH_ROOT}/graphs/c1-exp0/SLN-food-over-time.png`,
      `${BATCH_ROOT}/graphs/c1-exp1/SLN-food-over-time.png`,
      `${BATCH_ROOT}/graphs/inter-exp/SM-food-by-swarm-size.png`,
    ]);
  });

  it('PARALLEL, defined: what it names arrives at every run, and SIERRA appends to it', () => {
    for (const { environment } of told())
      expect(environment).toMatchObject({ LANG: 'C.UTF-8', PARALLEL_SEQ: expect.stringMatching(/^[1-8]$/) });
  });

  it('PARALLEL_SHELL, defined: overwritten with bash', () => {
    for (const { parent } of told()) expect(parent).toMatch(/\/bash$/);
  });

  it('LD_LIBRARY_PATH, defined: exported to every run', () => {
    for (const { environment } of told()) expect(environment.LD_LIBRARY_PATH).toBe('/opt/sim/lib');
  });

  it('PYTHONPATH, defined: exported to every run', () => {
    for (const { environment } of told()) expect(environment.PYTHONPATH).toBe('/opt/sim/python');
  });

  it('PATH, defined: exported to every run, without what stands in front of it on node 0', () => {
    for (const { environment } of told())
      expect(environment.PATH).toBe(`/mnt/efs/bin:${there().sierra.bin}:/usr/local/bin:/usr/bin:/bin`);
  });

  it('AWS_BATCH_JOB_NUM_NODES: on every node, and the list of nodes is as long', () => {
    for (const { environment } of told()) expect(environment.AWS_BATCH_JOB_NUM_NODES).toBe(String(NODES));
  });

  it('AWS_BATCH_JOB_ID: makes the list of nodes unique', () => {
    const lists = there()
      .sierra.files(BATCH_ROOT)
      .filter((file) => file.endsWith('-nodelist.txt'));
    expect(lists).toEqual([`${BATCH_ROOT}/${there().run.jobId}#0-nodelist.txt`]);
  });

  it('SIERRA_NODEFILE: names the same file as --nodefile', () => {
    const said = there().run.log(0);
    const files = [...said.matchAll(/nodefile by variable (\S+?)"/g)].map(([, path]) => path);
    expect(new Set(files)).toEqual(new Set([`/mnt/efs/runs/${there().run.runId}/nodefile`]));
  });

  it('the joblog and the results lie where SIERRA has them', () => {
    expect(joblog().map(({ exitval }) => exitval)).toEqual(Array(RUNS).fill(0));
    const results = there().sierra.files(`${BATCH_ROOT}/scratch/1`);
    expect(results.filter((file) => file.endsWith('/seq'))).toHaveLength(RUNS);
  });

  it('nothing is left: no process, listener, mount, private folder or key', () => there().run.clean());
});

/** The same with nothing defined that may be undefined, and what SIERRA says where something must be there. */
(isRoot ? describe : describe.skip).each(TRIED)('what is undefined, %s', (version) => {
  let sierra: SierraOnMachines | undefined;
  const two = (environment: Readonly<Record<string, string>>) => ({ version, nodes: 2, environment });
  const there = () => {
    if (sierra === undefined) throw new Error('no machines');
    return sierra;
  };

  beforeAll(async () => {
    for (const name of ['LD_LIBRARY_PATH', 'PYTHONPATH', 'PARALLEL', 'PARALLEL_SHELL'])
      vi.stubEnv(name, undefined);
    sierra = await SierraOnMachines.start({
      ...two({ WITHOUT_OPTION: '--nodefile' }),
      args: [...ARGS, '--pipeline', '1', '2'],
      additions: { 'engines/forage/simulate.py': TELLS_WHERE_IT_RUNS },
    });
  }, 180_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await sierra?.run.close();
  });

  it('--nodefile: then SIERRA_NODEFILE alone leads to all nodes', async () => {
    const { exitCode } = await there().run.ended();
    expect(exitCode, there().run.log(0)).toBe(0);
    const { run } = there();
    const nodelist = there().read(`${BATCH_ROOT}/${run.jobId}#0-nodelist.txt`);
    expect(nodelist).toBe('10.0.1.10\n10.0.1.11\n');
    expect(new Set(toldBy(there()).map(({ host }) => host))).toEqual(new Set(['node-0', 'node-1']));
  });

  it.each(['LD_LIBRARY_PATH', 'PYTHONPATH'])('%s: stays so in every run', (name) => {
    const seen = toldBy(there());
    expect(seen).toHaveLength(4);
    for (const { environment } of seen) expect(environment).not.toHaveProperty(name);
  });

  it('PARALLEL and PARALLEL_SHELL: runs are bash’s all the same, with what SIERRA exports', () => {
    for (const { environment, parent } of toldBy(there())) {
      expect(parent).toMatch(/\/bash$/);
      expect(environment.PATH).toContain(there().bin);
    }
  });

  it.each([
    [
      '--nodefile and SIERRA_NODEFILE',
      '--nodefile',
      'SIERRA_NODEFILE',
      /--nodefile not passed and 'SIERRA_NODEFILE' not found/,
    ],
    [
      'AWS_BATCH_JOB_ID',
      '',
      'AWS_BATCH_JOB_ID',
      /Non-AWS Batch environment detected: 'AWS_BATCH_JOB_ID' not found/,
    ],
    [
      'AWS_BATCH_JOB_NUM_NODES',
      '',
      'AWS_BATCH_JOB_NUM_NODES',
      /Non-AWS Batch environment detected: 'AWS_BATCH_JOB_NUM_NODES' not found/,
    ],
  ])('%s: SIERRA refuses, and the outcome has its words', async (_, option, variables, words) => {
    await there().drop(two({ WITHOUT_OPTION: option, WITHOUT_VARIABLES: variables }));
    const { exitCode, progress, summary } = await there().run.ended();
    expect(exitCode, there().run.log(0)).toBe(5);
    expect(progress.reason).toMatchObject({ kind: 'sierra-failed', stage: 1 });
    expect(summary.why).toMatch(words);
  });
});

/** What the page asks of nodes and no run can show: each is a fault, told before SIERRA starts. */
(isRoot ? describe : describe.skip)('nodes that are not as the interface asks', () => {
  const refused = async (
    before: SierraOnMachinesOptions['before'],
    {
      join = '20s',
      exits = 2,
      ...more
    }: Partial<SierraOnMachinesOptions> & { join?: string; exits?: number } = {},
  ) => {
    const manifest = { timeouts: { join, run: '10m' } };
    const sierra = await SierraOnMachines.start({
      version: '1.5.16',
      nodes: 2,
      manifest,
      ...more,
      ...(before === undefined ? {} : { before }),
    });
    onTestFinished(() => sierra.run.close());
    const { exitCode, progress, summary } = await sierra.run.ended();
    expect(exitCode, sierra.run.log(0)).toBe(exits);
    const stages = sierra.run.events(0, 'Sierra:Stage:Started').map((one) => one.stage);
    return { reason: progress.reason, summary, stages };
  };

  it('unequal CPUs: refused, with the node and both numbers', async () => {
    const cpus = readFileSync('/proc/stat', 'utf8').match(/^cpu\d/gm)?.length ?? 0;
    const { reason, stages } = await refused(async (run) => {
      writeFileSync(join(run.shared, 'more.c'), ANOTHER_PROC_STAT);
      spawnSync('gcc', ['-shared', '-fPIC', '-o', join(run.shared, 'more.so'), join(run.shared, 'more.c')]);
      await run.machine(1).run('bash', '-c', HAS_ONE_CPU_MORE);
    });
    expect(reason).toMatchObject({
      kind: 'bad-environment',
      faults: [
        { node: 1, check: 'cpu-counts-differ', what: `it has ${cpus + 1} CPUs, and node 0 has ${cpus}` },
      ],
    });
    expect(stages).toEqual([]);
  });

  it('another shared storage on one node: refused, with the node', async () => {
    const { reason, summary, stages } = await refused(
      async (run) => {
        await run.machine(1).run('umount', '/mnt/efs');
      },
      { join: '6s', exits: 3 },
    );
    expect(reason).toMatchObject({ kind: 'too-few-joined', missing: [1], cannotRead: [1] });
    expect(summary.why).toMatch(/node 1/i);
    expect(stages).toEqual([]);
  });

  it('the engine missing on one node: refused before a run fails on it, with the node and the program', async () => {
    const bin = await sierraVenv();
    const { reason, stages } = await refused(
      // On the machine's own disk, as in another image.
      (run) =>
        run
          .machine(0)
          .run('ln', '-s', '/usr/bin/python3', '/run/forage')
          .then(() => undefined),
      {
        environment: { PATH: `/mnt/efs/bin:/run:${bin}:/usr/bin:/bin` },
        additions: { 'engines/forage/plugin.py': STARTS_BY_FORAGE },
      },
    );
    expect(reason).toMatchObject({
      kind: 'bad-environment',
      faults: [
        { node: 1, check: 'no-engine', what: expect.stringMatching(/^forage, with which runs begin/) },
      ],
    });
    expect(stages).toEqual([1]);
  });

  it('port 22 in use on a node: refused, with the node and the port', async () => {
    const { reason, stages } = await refused(async (run) => {
      await run
        .machine(1)
        .run('bash', '-c', 'setsid perl -MIO::Socket::INET -e "$0" > /dev/null 2>&1 & sleep 0.5', LISTENS);
    });
    expect(reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ node: 1, check: 'sshd-failed', what: expect.stringContaining('10.0.1.11:22') }],
    });
    expect(stages).toEqual([]);
  });
});

const STARTS_BY_FORAGE = `
ExpRunShellCmdsGenerator.exec_run_cmds = lambda self, host, input_fpath, run_num: [
    types.ShellCmdSpec(cmd=f"forage {SIMULATION} {input_fpath}.json", shell=True, wait=True)
]
`;

const ANOTHER_PROC_STAT = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <string.h>
int open64(const char *path, int flags, ...) {
  va_list more; va_start(more, flags); int mode = va_arg(more, int); va_end(more);
  int (*real)(const char *, int, int) = dlsym(RTLD_NEXT, "open64");
  return real(strcmp(path, "/proc/stat") == 0 ? "/run/cpus/stat" : path, flags, mode);
}
`;
/** Every process of the machine counts one more: a container's /proc is its own, so what reads it is told another file. */
const HAS_ONE_CPU_MORE = `set -e
mkdir -p /run/cpus/etc /run/cpus/work
last=$(grep -c '^cpu[0-9]' /proc/stat)
sed "/^intr/i cpu$last 1 0 1 1 0 0 0 0 0 0" /proc/stat > /run/cpus/stat
cp /mnt/efs/more.so /run/cpus/more.so
echo /run/cpus/more.so > /run/cpus/etc/ld.so.preload
mount -t overlay -o lowerdir=/etc,upperdir=/run/cpus/etc,workdir=/run/cpus/work overlay /etc`;
const LISTENS = 'my $kept = IO::Socket::INET->new(LocalAddr => q(0.0.0.0:22), Listen => 1) or die; sleep 120';

/** Appended to the simulation: where a run runs and what it sees, beside its results. It takes a second. */
const TELLS_WHERE_IT_RUNS = `
import os, time
time.sleep(1)
_output = pathlib.Path(json.loads(pathlib.Path(sys.argv[1]).read_text())["output"])
(_output.parent / "told.json").write_text(json.dumps({
    "host": os.uname().nodename,
    "argument": sys.argv[1],
    "parent": os.readlink(f"/proc/{os.getppid()}/exe"),
    "environment": dict(os.environ),
}))
`;
const TELLS_NODEFILE =
  '\nimport os, sys\nprint("nodefile by variable", os.environ["SIERRA_NODEFILE"], file=sys.stderr)\n';

interface Told {
  host: string;
  argument: string;
  parent: string;
  environment: Record<string, string>;
}

function toldBy(sierra: SierraOnMachines): Told[] {
  return sierra
    .files(join(BATCH_ROOT, 'exp-outputs'))
    .filter((file) => file.endsWith('told.json'))
    .map((file) => JSON.parse(sierra.read(file)));
}
