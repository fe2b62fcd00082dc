import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, beforeAll, describe, expect } from 'vitest';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../../../experiment/plan/plan.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';
import type { RealSierra } from '../real-sierra.ts';
import { ARGS, BATCH_ROOT, INSTALLING, realSierra } from '../real-sierra.ts';

beforeAll(() => sierraVenv(), INSTALLING);

/** SIERRA takes its time with one core; two of these share a machine of two. */
const test = base.extend<{ open: typeof realSierra }>({
  open: async ({ task: _ }, use) => {
    const opened: RealSierra[] = [];
    await use(async (...given) => {
      const made = await realSierra(...given);
      opened.push(made);
      return made;
    });
    await Promise.all(opened.map(({ cluster }) => cluster.close()));
  },
});

const SLOW = 240_000;
const EARLIER = 'earlier-0123456789a';
const SIMULATION = 'project/engines/forage/simulate.py';
/** Put in front of the simulation: run 1 of experiment 0 fails until there is a file `mended` beside it. */
const FAILS_ONCE = `import pathlib, sys
with open(pathlib.Path(__file__).parent / "started", "a") as log: log.write(sys.argv[1].split("/exp-inputs/")[1] + "\\n")
if "c1-exp0/template_run1" in sys.argv[1] and not (pathlib.Path(__file__).parent / "mended").exists():
    raise ValueError("no such robot")
`;

function prepend(sierra: RealSierra, text: string): void {
  writeFileSync(join(sierra.root, SIMULATION), text + sierra.read(SIMULATION));
}

describe.concurrent('what surprises users of SIERRA on AWS Batch', () => {
  test(
    'success although runs failed, and a PARALLEL that holds "=": both told and mended; a retry runs only what failed',
    async ({ open }) => {
      // The workspace's path is short enough for each run to have a folder of results of its own.
      const sierra = await open(
        { onFailedRuns: 'stop' },
        { workspace: 'w', environment: { PARALLEL: '--env=WANTED', WANTED: 'x' } },
      );
      prepend(
        sierra,
        `import os\nassert os.environ["WANTED"] == "x" and ".venv-sierra" in os.environ["PATH"]\n${FAILS_ONCE}`,
      );
      const first = await sierra.run();
      expect(first.codes, first.output).toEqual([1, 0]);
      expect((await sierra.progress()).reason).toEqual({ kind: 'tasks-failed', failed: 1, lost: 0 });
      const { cluster } = sierra;
      expect(await cluster.text(runKeys(cluster.runId).taskOutput(2, 'err'))).toContain('no such robot');
      writeFileSync(join(sierra.root, 'project/engines/forage/mended'), '');
      const again = await sierra.run({ AWS_BATCH_JOB_ATTEMPT: '2' });
      expect(again.codes, again.output).toEqual([0, 0]);
      expect(again.output).toContain('Sierra:Stage:Skipped');
      expect(sierra.read('project/engines/forage/started').trim().split('\n').sort()).toEqual([
        'c1-exp0/template_run0.json',
        'c1-exp0/template_run1.json',
        'c1-exp0/template_run1.json',
        'c1-exp1/template_run0.json',
        'c1-exp1/template_run1.json',
      ]);
      const rows = parseJoblog(sierra.read(`${BATCH_ROOT}/scratch/parallel.log`));
      expect(rows.map(({ seq, exitval }) => [seq, exitval]).sort()).toEqual([
        [1, 0],
        [2, 0],
        [3, 0],
        [4, 0],
      ]);
    },
    SLOW,
  );

  test(
    'SIERRA’s own line by GNU parallel itself (fanout stock) gives the same records',
    async ({ open }) => {
      const sierra = await open({}, { fanout: 'stock' });
      prepend(sierra, FAILS_ONCE);
      const { codes, output } = await sierra.run();
      expect(codes, output).toEqual([1, 0]);
      expect(output).not.toContain('"event":"Sierra:Line"');
      expect((await sierra.progress()).reason).toEqual({ kind: 'tasks-failed', failed: 1, lost: 0 });
    },
    SLOW,
  );

  test(
    'stage 1 twice on one root: a new run is told to resume or to use another workspace',
    async ({ open }) => {
      const first = await open({ pipeline: [1] }, { workspace: 'swarms' });
      expect((await first.run()).codes).toEqual([0, 0]);
      const second = await open(
        { pipeline: [1] },
        { workspace: 'swarms', runId: 'second-0123456789a' },
        first,
      );
      expect((await second.run()).codes[0]).toBe(5);
      const { reason } = await second.progress();
      expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 1 });
      expect(JSON.stringify(reason)).toMatch(/FileExistsError.*exp-inputs/);
    },
    SLOW,
  );

  test(
    'results that collide after 255 characters: no task is given another one’s words without a warning',
    async ({ open }) => {
      const sierra = await open({}, { workspace: 'w'.repeat(60) });
      const long = `project/${'folder-that-has-a-long-name/'.repeat(6)}`;
      mkdirSync(join(sierra.root, long), { recursive: true });
      renameSync(join(sierra.root, 'project/engines'), join(sierra.root, long, 'engines'));
      renameSync(join(sierra.root, 'project/projects'), join(sierra.root, long, 'projects'));
      writeFileSync(
        join(sierra.root, long, 'engines/forage/simulate.py'),
        'import sys\nsys.exit("failed: " + sys.argv[1].split("/exp-inputs/")[1])\n',
      );
      const { cluster } = sierra;
      const stored = JSON.parse((await cluster.text(runKeys(cluster.runId).plan)) ?? '{}');
      stored.environment.SIERRA_PLUGIN_PATH = long.replace(/\/$/, '');
      await cluster.put(runKeys(cluster.runId).plan, JSON.stringify(stored));
      const { codes, output } = await sierra.run();
      expect(codes, output).toEqual([1, 0]);
      expect(output).toMatch(/"commands":4,"why":"[^"]*255 bytes.*"event":"Sierra:ResultsShareFolders"/);
      const words = await Promise.all(
        [1, 2, 3, 4].map((seq) => cluster.text(runKeys(cluster.runId).taskOutput(seq, 'err'))),
      );
      // Each is read when it ends: it owns the folder until the next of the four begins.
      for (const text of words)
        expect(text).toMatch(/^\((not kept: task \d wrote|this may be another task's)/);
    },
    SLOW,
  );

  test(
    'an empty nodefile: nothing runs on node 0 in silence, and the outcome names the list',
    async ({ open }) => {
      const sierra = await open();
      const options = 'project/projects/swarm/cmdline.py';
      const empties = '\nimport os\nopen(os.environ["SIERRA_NODEFILE"], "w").close()\n';
      writeFileSync(join(sierra.root, options), sierra.read(options) + empties);
      const { codes, output } = await sierra.run();
      expect(codes, output).toEqual([5, 0]);
      const { reason, tasks } = await sierra.progress();
      expect(reason).toMatchObject({
        kind: 'sierra-failed',
        stage: 2,
        tail: expect.stringContaining('-nodelist.txt names no node'),
      });
      expect(tasks).toMatchObject({ succeeded: 0, failed: 0 });
      expect(sierra.files(BATCH_ROOT).filter((file) => file.endsWith('.csv'))).toEqual([]);
    },
    SLOW,
  );

  test(
    'LaTeX missing in stage 4: said before, and named when it fails',
    async ({ open }) => {
      const sierra = await open({ pipeline: [1, 2, 3, 4] });
      const options = 'project/projects/swarm/cmdline.py';
      writeFileSync(
        join(sierra.root, options),
        sierra.read(options).replace('shutil.which("latex") is None', 'False'),
      );
      const { codes, output } = await sierra.run();
      expect(codes[0], output).toBe(5);
      expect(output).toContain('Sierra:NoLatex');
      const { reason } = await sierra.progress();
      expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 4, files: join(sierra.root, BATCH_ROOT) });
      expect(JSON.stringify(reason)).toMatch(/latex/i);
    },
    SLOW,
  );
});

describe.concurrent('a workspace', () => {
  test(
    'lets stages 3 and 4 be run again with new graphs, and another controller be run beside the first',
    async ({ open }) => {
      const first = await open({ pipeline: [1, 2, 3, 4] }, { workspace: 'swarms' });
      const one = await first.run();
      expect(one.codes, one.output).toEqual([0, 0]);
      const graphs = 'project/projects/swarm/config/graphs.yaml';
      writeFileSync(
        join(first.root, graphs),
        first.read(graphs).replace('dest: food-by-swarm-size', 'dest: harvest'),
      );
      const single = { cluster: { nodes: 1, vcpus: 2, memoryMiB: 512 }, minNodes: 1, workspace: 'swarms' };
      const graphsOnly = await open({ pipeline: [3, 4] }, { ...single, runId: 'graphs-0123456789a' }, first);
      const two = await graphsOnly.run();
      expect(two.codes, two.output).toEqual([0]);
      expect(first.files(BATCH_ROOT)).toContain(`${BATCH_ROOT}/graphs/inter-exp/SM-harvest.png`);
      const index = await graphsOnly.cluster.text(runKeys('graphs-0123456789a').outputIndex);
      expect(index).toContain('SM-harvest.png');

      const levy = ARGS.map((argument) => argument.replace('foraging.random', 'foraging.levy'));
      const other = await open(
        { args: levy, pipeline: [1, 2, 3, 4] },
        { ...single, runId: 'levy-0123456789a' },
        first,
      );
      const three = await other.run();
      expect(three.codes, three.output).toEqual([0]);
      expect(
        first.files('projects.swarm/foraging.levy').some((file) => file.endsWith('SM-harvest.png')),
      ).toBe(true);
    },
    2 * SLOW,
  );

  const BOTH: readonly [string, Partial<Plan>][] = [
    ['in a workspace', { workspace: 'swarms' }],
    ['in the folder of a run that both go on with', { resume: EARLIER, folder: EARLIER }],
  ];
  for (const [name, where] of BOTH)
    test(
      `refuses a second run that would write the same batch root ${name}, with the first one’s id`,
      async ({ open }) => {
        const first = await open({ pipeline: [1, 2] }, where);
        prepend(first, 'import time\ntime.sleep(15)\n');
        const second = await open({ pipeline: [1, 2] }, { ...where, runId: 'second-0123456789a' }, first);
        const running = first.cluster.startAll();
        await running[0]?.event('Folder:Locked');
        expect((await second.run()).codes[0]).toBe(2);
        expect((await second.progress()).reason).toMatchObject({
          kind: 'bad-environment',
          faults: [{ check: 'batch-root-in-use', what: expect.stringContaining(first.cluster.runId) }],
        });
        const codes = await Promise.all(running.map((node) => node.exited));
        expect(codes, running[0]?.output()).toEqual([0, 0]);
        const after = await open({ pipeline: [2] }, { ...where, runId: 'third-0123456789a' }, first);
        writeFileSync(join(first.root, SIMULATION), 'pass\n');
        expect((await after.run()).codes[0]).toBe(0);
      },
      SLOW,
    );
});
