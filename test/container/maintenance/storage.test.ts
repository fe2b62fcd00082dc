import {
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { doOrder } from '../../../container/maintenance/maintain.ts';
import { removeFolder } from '../../../container/maintenance/remove-folder.ts';
import { makeRunFolders, runFolders } from '../../../container/storage/run-folders.ts';
import { ORDER_VARIABLE } from '../../../experiment/batch/maintenance-job.ts';
import { maintenanceKey, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { SierraWork } from '../../../experiment/plan/plan.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { realClock } from '../../../local/clock/real.ts';
import { removeJoinFolders } from '../../../local/nodes/join-leftovers.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const FIRST = 'a-00000000001';
const SECOND = 'a-00000000002';
let shared: string;
let s3: S3Port;

beforeEach(() => {
  shared = mkdtempSync(join(tmpdir(), 'sbt-'));
  s3 = memoryS3('lab');
});
afterEach(() => rmSync(shared, { recursive: true, force: true }));

const put = (Key: string, value: unknown) =>
  s3.putObject({ Bucket: 'lab', Key, Body: JSON.stringify(value) });
const read = async (Key: string) => (await s3.getObject({ Bucket: 'lab', Key })).Body?.transformToString();

/** A run with what it left on storage; `folder` is another's where it resumed that one. */
async function run(
  runId: string,
  state: string,
  { folder = runId, workspace, work }: { folder?: string; workspace?: string; work?: SierraWork } = {},
) {
  const plan = {
    version: 1,
    runId,
    folder,
    cluster: {},
    timeouts: {},
    retry: {},
    source: {},
    outputs: ['results'],
    work: work ?? { kind: 'commands', file: { kind: 'frozen', key: runKeys(runId).commands, total: 3 } },
    ...(workspace === undefined ? {} : { workspace }),
  };
  await put(runKeys(runId).plan, plan);
  await put(runKeys(runId).status, { state });
  const folders = runFolders(shared, plan);
  await makeRunFolders(folders, runId);
  mkdirSync(join(folders.tasks, 'results'), { recursive: true });
  writeFileSync(join(folders.tasks, 'results/1.txt'), 'one');
  writeFileSync(folders.joblog, `${renderJoblog([row(2, 1), row(1, 0), row(2, 0), row(9, 0)])}3\tcut o`);
  return folders;
}

function row(seq: number, exitval: number): JoblogRow {
  return {
    seq,
    host: '10.0.0.1',
    startTime: 1,
    runtime: 1,
    send: 0,
    receive: 0,
    exitval,
    signal: 0,
    command: 'c',
  };
}

async function order(text: unknown, bucket = 'lab', through = s3) {
  const env = {
    [ORDER_VARIABLE]: JSON.stringify(text),
    SIERRA_BATCH_BUCKET: bucket,
    SIERRA_BATCH_SHARED: shared,
    AWS_BATCH_JOB_ID: 'job-1#0',
    AWS_ENDPOINT_URL_S3: 'http://local',
  };
  const context = { env, s3: through, clock: realClock, makeNonce: () => 'nonce', user: { uid: 1 } };
  const exitCode = await doOrder(context, () => undefined);
  const text2 = await read(maintenanceKey('job-1')).catch(() => 'null');
  return { exitCode, record: JSON.parse(text2 ?? 'null') };
}

describe('salvage', () => {
  test('of SIERRA in a workspace takes the joblog of the run’s own batch root, and none where it had no stage 2', async () => {
    const args = (controller: string) => [
      '--project=p',
      `--controller=${controller}`,
      '--scenario=s',
      '--expdef-template=t.json',
      '--batch-criteria',
      'b',
    ];
    const work = (controller: string, pipeline: number[]): SierraWork => ({
      kind: 'sierra',
      args: args(controller),
      pipeline,
      onFailedRuns: 'process',
    });
    const inWorkspace = { workspace: 'w' };
    const { tasks } = await run(FIRST, 'failed', { ...inWorkspace, work: work('one', [1, 2]) });
    await run(SECOND, 'succeeded', { ...inWorkspace, work: work('two', [3, 4]) });
    const leave = (controller: string, rows: JoblogRow[]) => {
      const scratch = join(tasks, 'p', controller, 's/t-b/scratch');
      mkdirSync(scratch, { recursive: true });
      writeFileSync(join(scratch, 'parallel.log'), renderJoblog(rows));
      return join(scratch, 'parallel.log');
    };
    const own = leave('one', [row(1, 0)]);
    utimesSync(own, 1, 1);
    leave('two', [row(1, 0), row(2, 0), row(3, 0)]);
    expect((await order({ kind: 'salvage', runId: FIRST })).record).toMatchObject({ did: { rows: 1 } });
    expect((await order({ kind: 'salvage', runId: SECOND })).record).toMatchObject({ did: { rows: 0 } });
  });

  test('of SIERRA sends whole runs where SIERRA looks for them, and the others beside', async () => {
    const args = [
      '--project=p',
      '--controller=c',
      '--scenario=s',
      '--expdef-template=t',
      '--batch-criteria=b',
    ];
    const work: SierraWork = { kind: 'sierra', args, pipeline: [1, 2, 3], onFailedRuns: 'process' };
    const { tasks } = await run(FIRST, 'failed', { work });
    const root = join(tasks, 'p/c/s/t-b');
    const leave = (path: string, text: string) => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const lines = [0, 1, 2].map((number) => `sim ${root}/exp-inputs/c1-exp0/t_run${number}.json`);
    leave('commands.txt', lines.map((line) => `${line}\n`).join(''));
    leave(
      'scratch/parallel.log',
      renderJoblog([0, 1].map((code) => ({ ...row(code + 1, code), command: lines[code] ?? '' }))),
    );
    for (const number of [0, 1, 2]) leave(`exp-outputs/c1-exp0/t_run${number}_output/a.csv`, 'rows');
    const plan = JSON.parse((await read(runKeys(FIRST).plan)) ?? '{}');
    await put(runKeys(FIRST).plan, { ...plan, outputs: ['p'] });

    const { record } = await order({ kind: 'salvage', runId: FIRST });

    expect(record).toMatchObject({ did: { rows: 2, missing: [], unsent: 0 } });
    const index = JSON.parse((await read(runKeys(FIRST).outputIndex)) ?? '{}');
    const csv = index.files
      .map(({ path }: { path: string }) => path)
      .filter((path: string) => path.endsWith('.csv'));
    expect(csv.sort()).toEqual([
      'p/c/s/t-b/exp-failed/c1-exp0/t_run1_output/a.csv',
      'p/c/s/t-b/exp-failed/c1-exp0/t_run2_output/a.csv',
      'p/c/s/t-b/exp-outputs/c1-exp0/t_run0_output/a.csv',
    ]);
  });

  test('sends the final row of every task and the outputs of an ended run', async () => {
    await run(FIRST, 'failed');

    const { exitCode, record } = await order({ kind: 'salvage', runId: FIRST });

    expect(exitCode).toBe(0);
    expect(record).toMatchObject({ jobId: 'job-1', did: { rows: 2, outputs: 1, missing: [], unsent: 0 } });
    expect(await read(runKeys(FIRST).joblog)).toBe(renderJoblog([row(1, 0), row(2, 0)]));
    expect(await read(`${runKeys(FIRST).outputs}results/1.txt`)).toBe('one');
    expect(await read(runKeys(FIRST).outputIndex)).toContain('results/1.txt');
  });

  test.each([
    ['has not ended', async () => void (await run(FIRST, 'running')), /has not ended: it is running/],
    [
      'shares its folder with one that goes on',
      async () => {
        await run(FIRST, 'failed');
        await run(SECOND, 'joining', { folder: FIRST });
      },
      new RegExp(`${SECOND} has not ended`),
    ],
    ['is not known', async () => undefined, /no plan/],
  ])('refuses a run that %s', async (_, given, why) => {
    await given();

    const { exitCode, record } = await order({ kind: 'salvage', runId: FIRST });

    expect(exitCode).toBe(2);
    expect(record.did.refused).toMatch(why);
    await expect(read(runKeys(FIRST).joblog)).rejects.toThrow();
  });
});

describe('clean', () => {
  test('frees an ended run with all it held, follows no link, and leaves another alone', async () => {
    const first = await run(FIRST, 'succeeded');
    const second = await run(SECOND, 'succeeded');
    symlinkSync(second.tasks, join(first.tasks, 'link'));

    const todo = { kind: 'clean', runIds: [FIRST], workspaces: [] };
    const dry = (await order({ ...todo, dryRun: true })).record;
    expect(existsSync(join(shared, 'runs', FIRST))).toBe(true);
    const { exitCode, record } = await order(todo);
    expect(dry).toMatchObject({ dryRun: true, freed: record.freed, kept: [] });

    expect(exitCode).toBe(0);
    expect(record).toMatchObject({ kind: 'clean', kept: [], freed: [{ path: `runs/${FIRST}`, files: 3 }] });
    expect(existsSync(first.run)).toBe(false);
    expect(existsSync(join(second.tasks, 'results/1.txt'))).toBe(true);
    expect(readdirSync(join(shared, '.leaving'))).toEqual([]);
  });

  test('keeps what a run that has not ended works in: its own folder, the one it resumed, its workspace', async () => {
    await run(FIRST, 'failed');
    const { tasks } = await run(SECOND, 'queued', { folder: FIRST, workspace: 'w' });

    const { exitCode, record } = await order({ kind: 'clean', runIds: [FIRST, SECOND], workspaces: ['w'] });

    expect(exitCode).toBe(1);
    expect(record.freed).toEqual([]);
    expect(record.kept.map(({ path }: { path: string }) => path)).toEqual(['workspaces/w', `runs/${FIRST}`]);
    expect(existsSync(tasks)).toBe(true);
  });

  test('keeps what S3 does not say the state of', async () => {
    const { run: folder } = await run(FIRST, 'running');
    const refusing: S3Port = {
      ...s3,
      getObject: (input) =>
        input.Key === runKeys(FIRST).status
          ? Promise.reject(Object.assign(new Error('Access Denied'), { $metadata: { httpStatusCode: 403 } }))
          : s3.getObject(input),
    };

    const { record } = await order({ kind: 'clean', runIds: [FIRST], workspaces: [] }, 'lab', refusing);

    expect(record.kept).toEqual([{ path: `runs/${FIRST}`, why: 'Error: Access Denied' }]);
    expect(existsSync(folder)).toBe(true);
  });

  test('by age frees old runs and inputs, not young ones, not workspaces, and no run that goes on', async () => {
    const [old, young, going] = [FIRST, SECOND, 'a-00000000003'];
    await run(old, 'failed', { workspace: 'w' });
    await run(young, 'failed');
    await run(going, 'running');
    for (const name of ['1'.repeat(64), '2'.repeat(64)])
      mkdirSync(join(shared, 'inputs', name), { recursive: true });
    // As one that another job moves away between the list of names and the look at it.
    symlinkSync('/nowhere', join(shared, 'inputs', '3'.repeat(64)));
    const longAgo = new Date('2020-01-01');
    for (const name of [old, going]) {
      for (const each of readdirSync(join(shared, 'runs', name)))
        utimesSync(join(shared, 'runs', name, each), longAgo, longAgo);
      utimesSync(join(shared, 'runs', name), longAgo, longAgo);
    }
    for (const path of ['workspaces/w', `inputs/${'1'.repeat(64)}`])
      utimesSync(join(shared, path), longAgo, longAgo);

    const { record } = await order({ kind: 'clean', runIds: [], workspaces: [], olderThanSeconds: 86_400 });

    expect(record.freed.map(({ path }: { path: string }) => path)).toEqual([
      `runs/${old}`,
      `inputs/${'1'.repeat(64)}`,
    ]);
    expect(record.kept).toMatchObject([{ path: `runs/${going}` }]);
    expect(existsSync(join(shared, 'workspaces/w'))).toBe(true);
  });

  test('frees what tasks named in other bytes than UTF-8', async () => {
    const { tasks } = await run(FIRST, 'succeeded');
    writeFileSync(Buffer.from(`${tasks}/results/gr\xFCn`, 'latin1'), '');

    const { exitCode, record } = await order({ kind: 'clean', runIds: [FIRST], workspaces: [] });

    expect({ exitCode, kept: record.kept }).toEqual({ exitCode: 0, kept: [] });
    expect(readdirSync(join(shared, '.leaving'))).toEqual([]);
  });

  test('removes a folder that another job removes at the same time', async () => {
    const folder = join(shared, '.leaving/x');
    for (const part of ['a', 'b']) {
      mkdirSync(join(folder, part), { recursive: true });
      for (let file = 0; file < 100; file += 1) writeFileSync(join(folder, part, String(file)), '');
    }

    await Promise.all([removeFolder(folder), removeFolder(folder)]);

    expect(readdirSync(join(shared, '.leaving'))).toEqual([]);
  });

  test('removes a link where a folder should be, and nothing that it leads to', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'sbt-'));
    const precious = ['home', 'workspace', 'left', 'users'].map((name) => join(elsewhere, name, 'file'));
    for (const path of precious) {
      mkdirSync(join(path, '..'));
      writeFileSync(path, 'precious');
    }
    const old = `inputs/${'1'.repeat(64)}`;
    for (const folder of ['runs', 'inputs', 'workspaces', '.leaving', 'users'])
      mkdirSync(join(shared, folder));
    symlinkSync(join(elsewhere, 'home'), join(shared, 'runs', FIRST));
    symlinkSync(join(elsewhere, 'home'), join(shared, old));
    lutimesSync(join(shared, old), 1, 1);
    symlinkSync(join(elsewhere, 'workspace'), join(shared, 'workspaces/w'));
    symlinkSync(join(elsewhere, 'left'), join(shared, '.leaving/earlier'));
    mkdirSync(join(elsewhere, 'users', FIRST));
    writeFileSync(join(elsewhere, 'users', FIRST, SECOND), '');
    symlinkSync(join(elsewhere, 'users'), join(shared, 'users/runs'));

    const { record } = await order({
      kind: 'clean',
      runIds: [FIRST],
      workspaces: ['w'],
      olderThanSeconds: 60,
    });

    expect(record.kept).toEqual([]);
    expect(record.freed.map(({ path }: { path: string }) => path)).toEqual([
      'workspaces/w',
      `runs/${FIRST}`,
      old,
    ]);
    for (const path of precious) expect(existsSync(path)).toBe(true);
    expect(existsSync(join(elsewhere, 'users', FIRST, SECOND))).toBe(true);
    expect(readdirSync(join(shared, '.leaving'))).toEqual([]);
    rmSync(elsewhere, { recursive: true });
  });

  test.each(['runs', '.leaving'])('removes nothing where %s itself is a link', async (linked) => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'sbt-'));
    mkdirSync(join(elsewhere, FIRST));
    utimesSync(join(elsewhere, FIRST), 1, 1);
    if (linked !== 'runs') mkdirSync(join(shared, 'runs', FIRST), { recursive: true });
    symlinkSync(elsewhere, join(shared, linked));

    const { exitCode, record } = await order({
      kind: 'clean',
      runIds: [FIRST],
      workspaces: [],
      olderThanSeconds: 60,
    });

    expect({ exitCode, freed: record.freed }).toEqual({ exitCode: 1, freed: [] });
    expect(record.kept[0].why).toContain(`${linked} is a link`);
    expect(existsSync(join(elsewhere, FIRST))).toBe(true);
    rmSync(elsewhere, { recursive: true });
  });

  test('finds no secrets of joins behind a link', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'sbt-'));
    mkdirSync(join(elsewhere, 'join'));
    mkdirSync(join(shared, 'runs', FIRST, 'join/attempt'), { recursive: true });
    symlinkSync(elsewhere, join(shared, 'runs', SECOND));

    await removeJoinFolders(shared);

    expect(existsSync(join(shared, 'runs', FIRST, 'join'))).toBe(false);
    expect(existsSync(join(elsewhere, 'join'))).toBe(true);
    rmSync(elsewhere, { recursive: true });
  });

  test('goes on with what an ended job left half removed, and tells what is not there', async () => {
    mkdirSync(join(shared, '.leaving/x/y'), { recursive: true });
    writeFileSync(join(shared, '.leaving/x/y/z'), '');

    const { exitCode, record } = await order({ kind: 'clean', runIds: [FIRST], workspaces: [] });

    expect({ exitCode, kept: record.kept }).toEqual({
      exitCode: 1,
      kept: [{ path: `runs/${FIRST}`, why: 'it is not there' }],
    });
    expect(readdirSync(join(shared, '.leaving'))).toEqual([]);
  });
});

test('an order that is none, or has no bucket, ends with 2 and touches nothing', async () => {
  await run(FIRST, 'failed');

  expect((await order({ kind: 'clean', runIds: ['..'], workspaces: [] })).exitCode).toBe(2);
  expect((await order({ kind: 'clean', runIds: [FIRST], workspaces: [] }, '')).exitCode).toBe(2);
  expect(existsSync(join(shared, 'runs', FIRST))).toBe(true);
});
