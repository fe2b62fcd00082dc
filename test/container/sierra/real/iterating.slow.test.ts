import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, beforeAll, describe, expect } from 'vitest';
import { salvageJobRequest } from '../../../../experiment/batch/maintenance-job.ts';
import { maintenanceKey, runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { MaintenanceRecord } from '../../../../experiment/records/maintenance.ts';
import type { Summary } from '../../../../experiment/records/summary.ts';
import type { JoblogRow } from '../../../../experiment/results/joblog.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';
import { readJson, readText } from '../../../../test/aws/read-object.ts';
import type { FaultRun } from '../../../worlds/cluster/faults/fault-run.ts';
import { ARGS, BATCH_ROOT, INSTALLING } from '../real-sierra.ts';
import type { SierraOnMachinesOptions } from '../sierra-on-machines.ts';
import { SierraOnMachines } from '../sierra-on-machines.ts';

beforeAll(() => sierraVenv(), INSTALLING);

const isRoot = process.getuid?.() === 0;
const SIMULATION = 'engines/forage/simulate.py';
const ON_TWO = { version: '1.5.16', nodes: 2 } as const;
const RUNS = ['c1-exp0/run0', 'c1-exp0/run1', 'c1-exp1/run0', 'c1-exp1/run1'];

/** In front of the simulation: tells which run it is, takes its time; one may fail and another hang. */
const TELLS = `import os, pathlib, re, sys, time
_run = re.sub(r".*/exp-inputs/(.*)/template_(.*).json", r"\\1/\\2", sys.argv[1])
with open("/mnt/efs/started", "a") as _log: _log.write(os.environ["AWS_BATCH_JOB_ATTEMPT"] + " " + _run + "\\n")
time.sleep(2)
if _run == "c1-exp0/run1" and pathlib.Path("/mnt/efs/fails").exists():
    _output = pathlib.Path(sys.argv[1].replace("/exp-inputs/", "/exp-outputs/").replace(".json", "_output"), "output")
    _output.mkdir(parents=True, exist_ok=True)
    (_output / "foraging.csv").write_text("step,collected,searching\\n0,0,1\\n")
    raise ValueError("no such robot")
if _run == "c1-exp1/run1":
    while pathlib.Path("/mnt/efs/hangs").exists(): time.sleep(0.1)
`;

/** Several share the machine: SIERRA takes its time with one core, and waits much. */
const test = base.extend<{
  open: (options: Partial<SierraOnMachinesOptions>) => Promise<SierraOnMachines>;
}>({
  open: async ({ task: _ }, use) => {
    const opened: SierraOnMachines[] = [];
    await use(async (options) => {
      const sierra = await SierraOnMachines.start({ ...ON_TWO, ...options });
      opened.push(sierra);
      return sierra;
    });
    for (const { run } of opened) await run.close();
  },
});

/** The runs that were started so far, each behind the attempt of its job. */
function started({ shared }: FaultRun): string[] {
  const file = join(shared, 'started');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function joblog(sierra: SierraOnMachines): JoblogRow[] {
  const file = join(sierra.root(), BATCH_ROOT, 'scratch/parallel.log');
  return existsSync(file) ? parseJoblog(readFileSync(file, 'utf8')) : [];
}

const runOf = ({ command }: JoblogRow) =>
  command.replace(/.*\/exp-inputs\/(.*)\/template_(.*)\.json.*/, '$1/$2');

(isRoot ? describe.concurrent : describe.skip)('going on with a SIERRA experiment', () => {
  test('Batch’s own retry, after the host of node 0 was lost, runs what is missing and goes on to the graphs', async ({
    open,
  }) => {
    const sierra = await open({
      additions: { [SIMULATION]: TELLS },
      manifest: { retry: { attempts: 2 } },
      before: async ({ shared }) => writeFileSync(join(shared, 'hangs'), ''),
    });
    const { run } = sierra;
    await run.until(() => joblog(sierra).length === 3, 180_000, 'three runs that have ended');
    await run.machine(0).lose();
    rmSync(join(run.shared, 'hangs'));
    const { exitCode, summary } = await run.ended();
    expect(exitCode, run.log(0, 2)).toBe(0);
    expect(summary.tasks).toMatchObject({ total: 4, succeeded: 4 });
    expect(started(run).slice(4)).toEqual(['2 c1-exp1/run1']);
    expect(run.events(0, 'Sierra:Stage:Skipped', 2).map(({ stage }) => stage)).toEqual([1]);
    expect(sierra.files(`${BATCH_ROOT}/graphs`)).toHaveLength(3);
  }, 480_000);

  test('resume runs what failed and nothing else, and goes on to the graphs', async ({ open }) => {
    const sierra = await open({
      additions: { [SIMULATION]: TELLS },
      manifest: { run: { sierra: { args: ARGS, onFailedRuns: 'stop' } } },
      before: async ({ shared }) => writeFileSync(join(shared, 'fails'), ''),
    });
    const { run } = sierra;
    const failed = await run.ended();
    expect(failed.exitCode, run.log(0)).toBe(1);
    expect(failed.summary.why).toMatch(/run 1 of experiment c1-exp0 .*no such robot/);
    expect(started(run).toSorted()).toEqual(RUNS.map((one) => `1 ${one}`));
    const first = run.runId;
    rmSync(join(run.shared, 'fails'));
    await sierra.drop({ ...ON_TWO, manifest: { resume: first } });
    const { exitCode, summary } = await run.ended();
    expect(exitCode, run.log(0)).toBe(0);
    expect(summary.tasks).toMatchObject({ total: 4, succeeded: 4, failed: 0 });
    expect(started(run).slice(4)).toEqual(['1 c1-exp0/run1']);
    const { s3, bucket } = run.system;
    expect(await readText(s3, bucket, runKeys(run.runId).report)).toContain('SM-food-by-swarm-size.png');
  }, 480_000);

  test('with a run that died after a row: means of the others, which outcome and report tell; resumed, of all', async ({
    open,
  }) => {
    const sierra = await open({
      additions: { [SIMULATION]: TELLS },
      before: async ({ shared }) => writeFileSync(join(shared, 'fails'), ''),
    });
    const { run } = sierra;
    const { s3, bucket } = run.system;
    const failed = await run.ended();
    expect(failed.exitCode, run.log(0)).toBe(1);
    expect(failed.summary.why).toContain('Means are of 1 of 2 runs in c1-exp0.');
    expect(failed.summary.incomplete).toEqual([{ experiment: 'c1-exp0', whole: 1, runs: 2 }]);
    expect(await readText(s3, bucket, runKeys(run.runId).report)).toContain(
      'Means are of 1 of 2 runs in c1-exp0',
    );
    const index = async () => (await readText(s3, bucket, runKeys(run.runId).outputIndex)) ?? '';
    expect(await index()).toContain('/exp-failed/c1-exp0/template_run1_output/output/foraging.csv');
    expect(await index()).not.toContain('/exp-outputs/c1-exp0/template_run1_output');
    const first = run.runId;
    rmSync(join(run.shared, 'fails'));
    await sierra.drop({ ...ON_TWO, manifest: { resume: first } });
    const { exitCode, summary } = await run.ended();
    expect(exitCode, run.log(0)).toBe(0);
    expect(summary).not.toHaveProperty('incomplete');
    expect(await index()).toContain('/exp-outputs/c1-exp0/template_run1_output/output/foraging.csv');
    expect(await index()).not.toContain('exp-failed');
  }, 480_000);

  test('salvage, after node 0 was lost for good, sends the joblog, the failed run’s words and every result', async ({
    open,
  }) => {
    const sierra = await open({
      additions: { [SIMULATION]: TELLS },
      manifest: { run: { sierra: { args: [...ARGS.slice(0, -1), '--n-runs=3'] } } },
      before: async ({ shared }) => {
        for (const name of ['hangs', 'fails']) writeFileSync(join(shared, name), '');
      },
    });
    const { run } = sierra;
    const { s3, bucket, batch, deployment } = run.system;
    await run.until(() => joblog(sierra).length === 5, 180_000, 'five runs that have ended');
    await run.machine(0).lose();
    expect((await run.ended()).summary.outcome).toBe('failed');
    const keys = runKeys(run.runId);
    // As if node 0 had been lost before it sent anything.
    for (const key of [keys.joblog, keys.summary]) await s3.putObject({ Bucket: bucket, Key: key, Body: '' });
    const { jobId = '' } = await batch.submitJob(salvageJobRequest(run.runId, deployment));
    const job = async () => (await batch.describeJobs({ jobs: [jobId] })).jobs?.[0]?.status;
    await run.until(async () => (await job()) === 'SUCCEEDED', 60_000, 'the salvage');
    const record = await readJson<MaintenanceRecord>(s3, bucket, maintenanceKey(jobId));
    expect(record).toMatchObject({ kind: 'salvage', did: { rows: 5, missing: [], unsent: 0 } });
    const rows = parseJoblog((await readText(s3, bucket, keys.joblog)) ?? '');
    expect(rows).toHaveLength(5);
    const failed = rows.find((row) => runOf(row) === 'c1-exp0/run1');
    expect(failed?.exitval).toBe(1);
    expect(await readText(s3, bucket, keys.taskOutput(failed?.seq ?? 0, 'err'))).toContain('no such robot');
    const aside = `${BATCH_ROOT}/exp-failed/c1-exp0/template_run1_output/output/foraging.csv`;
    expect(await readText(s3, bucket, `${keys.outputs}${aside}`)).toContain('0,0,1');
    expect(await readText(s3, bucket, keys.outputIndex)).not.toContain(
      'exp-outputs/c1-exp0/template_run1_output',
    );
    for (const row of rows.filter(({ exitval }) => exitval === 0)) {
      const [experiment, number] = runOf(row).split('/');
      const result = `${BATCH_ROOT}/exp-outputs/${experiment}/template_${number}_output/output/foraging.csv`;
      expect(await readText(s3, bucket, `${keys.outputs}${result}`)).toBe(sierra.read(result));
    }
    const tasks = async () =>
      (await readJson<Summary>(s3, bucket, keys.summary).catch(() => undefined))?.tasks;
    await run.until(async () => (await tasks())?.succeeded === 4, 30_000, 'the summary, made again');
  }, 480_000);
});

/** What stage 5 compares, and across what. */
const COMPARES = `
    - src: foraging
      dest: food-by-swarm-size-over-time
      cols: [collected]
      title: Food by swarm size
      type: stacked_line
inter-controller:
  - src: food-by-swarm-size-over-time
    dest: food-by-controller
    title: Food by controller
    label: Food
    type: comparison_line
`;

(isRoot ? describe.concurrent : describe.skip)('a workspace of a SIERRA project', () => {
  test('two controllers are compared by stage 5; a sweep is extended, and made anew with more runs', async ({
    open,
  }) => {
    const manifest = { workspace: 'swarms' };
    const graphs = (below: string) => sierra.files(`projects.swarm/${below}`, 'swarms');
    const additions = { 'projects/swarm/config/graphs.yaml': COMPARES };
    const sierra = await open({ manifest, additions });
    const { run } = sierra;
    const ended = async (code = 0) => {
      const { exitCode, summary } = await run.ended();
      expect(exitCode, run.log(0)).toBe(code);
      return summary;
    };
    const drop = (args: readonly string[]) => sierra.drop({ ...ON_TWO, args, manifest });
    const instead = (from: string, to: string) => ARGS.map((argument) => argument.replace(from, to));
    await ended();
    await drop(instead('foraging.random', 'foraging.levy'));
    await ended();
    const things = '--things=foraging.random,foraging.levy';
    await drop([...ARGS, '--pipeline', '5', things, '--across=controllers', '--bc-cardinality=1']);
    await ended();
    const compared = 'SM-food-by-controller-template-swarm_size.1.9.C2.png';
    const folder = 'foraging.random+foraging.levy-cc-graphs';
    expect(graphs(folder)).toEqual([`projects.swarm/${folder}/${compared}`]);
    const { s3, bucket } = run.system;
    expect(await readText(s3, bucket, runKeys(run.runId).report)).toContain(compared);

    await drop([...instead('1.9.C2', '1.9.C3'), '--pipeline', '1', '2']);
    expect((await ended()).tasks).toMatchObject({ total: 6, succeeded: 6 });
    expect(graphs('foraging.random/arena/template-swarm_size.1.9.C2/graphs')).toHaveLength(4);

    const withMore = [...instead('--n-runs=2', '--n-runs=3'), '--pipeline', '1', '2', '3'];
    await drop(withMore);
    expect((await ended(5)).next).toContain('--exp-overwrite');
    await drop([...withMore, '--exp-overwrite']);
    expect((await ended()).tasks).toMatchObject({ total: 6, succeeded: 6 });
    await run.clean();
  }, 480_000);
});
