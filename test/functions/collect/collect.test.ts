import { expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parseControl } from '../../../experiment/records/control.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { aProgress } from '../../fixtures/records.ts';
import { awsError, controlPlane, failureOf } from '../../support/control-plane.ts';
import { hooked } from '../../support/hostile-ports.ts';

it('a run from drop to report takes at most eight transitions, and everything says the same', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  const keys = runKeys(runId);
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  const record = plane.record(runId);
  expect(record?.status).toBe('SUCCEEDED');
  expect(record?.transitions).toBeLessThanOrEqual(8);
  const summary = await plane.json(keys.summary);
  expect(summary).toMatchObject({ runId, outcome: 'succeeded', exitCode: 0 });
  const { headline, why, next } = summary;
  expect(await plane.json(keys.status)).toMatchObject({ state: 'succeeded', headline, why, next });
  expect(await plane.text(keys.report)).toContain(runId);
  expect(await plane.keys('control/')).toEqual([keys.control]);
  const before = await plane.json(keys.summary);
  expect(await plane.collect({ runId })).toMatchObject({ outcome: 'succeeded', error: '' });
  expect(await plane.json(keys.summary)).toEqual(before);
});

it.each([
  [1, 'failed', 'RunFailed'],
  [124, 'timed-out', 'RunTimedOut'],
  [7, 'failed', 'RunFailed'],
])(
  'a job that exits %i is a run that %s, and an execution that fails as %s',
  async (exitCode, outcome, error) => {
    const plane = await controlPlane();
    const { runId } = await plane.start();
    plane.nodes[0]?.exit({ exitCode });
    await plane.tick(3);
    const summary = await plane.json(runKeys(runId).summary);
    expect(summary).toMatchObject({ outcome, exitCode });
    expect(plane.record(runId)).toMatchObject({
      status: 'FAILED',
      error,
      cause: `${summary.headline} ${summary.why} ${summary.next}`,
    });
  },
);

it('while the job lives nothing is summed up', async () => {
  const { start, collect, keys } = await controlPlane();
  const { runId } = await start();
  expect((await failureOf(collect({ runId }))).name).toBe('StillStopping');
  expect(await keys(runKeys(runId).summary)).toEqual([]);
});

it('a run that nobody knows, and a call that the state machine never makes, are refused for good', async () => {
  const { collect } = await controlPlane();
  expect((await failureOf(collect({ runId: 'a-00000000000' }))).name).toBe('UnknownRecord');
  expect((await failureOf(collect({}))).name).toBe('UnknownRecord');
});

it('what lay there before a run is told as no result of it', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  await plane.put(runKeys(runId).outputIndex, JSON.stringify({ files: [], missing: [], before: 2 }));
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(await plane.json(runKeys(runId).summary)).toMatchObject({
    outcome: 'succeeded',
    why: expect.stringContaining('2 files of `outputs` came with the inputs'),
  });
});

it('a run whose tasks named files with a hash in them is told and closed', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  const keys = runKeys(runId);
  const failed = { host: 'n', startTime: 1, runtime: 1, send: 0, receive: 0, exitval: 1, signal: 0 };
  const rows = [1, 2].map((seq) => ({ ...failed, seq, command: `./sim ${seq}` }));
  await plane.put(keys.joblog, renderJoblog(rows));
  for (const { seq } of rows)
    await plane.put(keys.taskOutput(seq, 'err'), `cannot read cache/${`${seq}a`.repeat(64)}_part.npz\n`);
  plane.nodes[0]?.exit({ exitCode: 1 });
  await plane.tick(3);
  const { failures } = await plane.json(keys.summary);
  expect(failures).toMatchObject([{ count: 2, signature: expect.stringContaining('cannot read cache/') }]);
  expect(await plane.json(keys.status)).toMatchObject({ state: 'failed' });
  expect(await plane.keys('control/')).toEqual([keys.control]);
});

it('the report has each state of each attempt, and collecting from when outputs began to be sent', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  const keys = runKeys(runId);
  const { job } = parseControl(await plane.text(keys.control)) ?? {};
  const now = plane.clock.now();
  const at = (ms: number) => new Date(now + ms).toISOString();
  const attempt = (index: number, from: number) =>
    aProgress({
      jobId: job?.id ?? '',
      attempt: index,
      startedAt: at(from),
      tasksStartedAt: at(from + 1000),
      tasksEndedAt: at(from + 3000),
      collectingAt: at(from + 9000),
    });
  await plane.put(keys.progress, JSON.stringify(attempt(1, 0)));
  await plane.tick(1);
  await plane.put(keys.progress, JSON.stringify(attempt(2, 20_000)));
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  const report = (await plane.text(keys.report)) ?? '';
  const states = [...report.matchAll(/<span class="state">(running|collecting) ([^<]*)</g)];
  expect(states.map(([, state, seconds]) => `${state} ${seconds}`)).toEqual([
    'running 8 s',
    'collecting 11 s',
    'running 8 s',
    expect.stringMatching(/^collecting /),
  ]);
});

it('a run whose folder is gone still ends', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.pass(1);
  await plane.put(runKeys(runId).plan, 'gone');
  await plane.tick(3);
  expect(plane.record(runId)?.status).toBe('SUCCEEDED');
  expect(await plane.json(runKeys(runId).status)).toMatchObject({ state: 'succeeded' });
});

it('records that tasks wrote over with more than is read keep no run from its end', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start();
  const keys = runKeys(runId);
  const tooMuch = Buffer.alloc(17 * 1024 * 1024, ' ');
  for (const key of [keys.progress, keys.status]) await plane.put(key, tooMuch);
  plane.nodes[0]?.exit({ exitCode: 0 });
  await plane.tick(3);
  expect(plane.record(runId)?.status).toBe('SUCCEEDED');
  expect(await plane.json(keys.status)).toMatchObject({ state: 'succeeded' });
  expect(await plane.json(keys.summary)).toMatchObject({ outcome: 'succeeded' });
});

it.each([
  ['whose answer was lost (412 after an own write)', 412, true],
  ['that crossed another (409)', 409, false],
])('a write %s is one write', async (_what, status, done) => {
  let once = true;
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, async (command, call) => {
        const conditional =
          command.name === 'putObject' && (command.input.IfMatch ?? command.input.IfNoneMatch);
        if (!once || !conditional || !command.input.Key?.startsWith('control/')) return call();
        once = false;
        if (done) await call();
        throw awsError(status === 412 ? 'PreconditionFailed' : 'ConditionalRequestConflict', status);
      }),
  });
  const event = await plane.put(
    'manifests/x.yaml',
    'apiVersion: sierra-batch/v1\nname: x\ncluster: {nodes: 1}\nrun: {commands: {list: [a]}}\n',
  );
  await plane.during(plane.ingest(event));
  await plane.pass(1);
  expect(once).toBe(false);
  expect(plane.localStates.records()).toHaveLength(1);
  expect(plane.localBatch.allJobs()).toHaveLength(1);
});

it('a record that may not be written is told as what it is, not as a conflict', async () => {
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, (command, call) => {
        if (command.name === 'putObject' && command.input.IfMatch !== undefined)
          throw awsError('AccessDenied', 403, 'not yours');
        return call();
      }),
  });
  const { runId } = await plane.start();
  const failure = await failureOf(plane.submit({ runId, token: 't', retryCount: 0 }));
  expect(failure).toMatchObject({ name: 'ServiceUnavailable', message: 'AccessDenied: not yours' });
});

it('which value of a parameter failures and slow tasks go with stands in summary and report', async () => {
  const plane = await controlPlane();
  const { runId } = await plane.start(`apiVersion: sierra-batch/v1
name: sweep
cluster: {nodes: 2, vcpus: 2}
run: {commands: {template: './sim {seed} {speed}', matrix: {seed: {from: 1, to: 4}, speed: [a, b, c]}}}
timeouts: {queue: 1h, join: 10m, run: 2h}
`);
  const keys = runKeys(runId);
  const startTime = plane.clock.now() / 1000 + 1;
  const row = { host: 'n', startTime, send: 0, receive: 0, signal: 0, command: './sim' };
  const rows = Array.from({ length: 12 }, (_, at) => {
    const speed = 'abc'[at % 3];
    return { ...row, seq: at + 1, runtime: speed === 'b' ? 9 : 1, exitval: speed === 'c' ? 1 : 0 };
  });
  await plane.put(keys.joblog, renderJoblog(rows));
  plane.nodes[0]?.exit({ exitCode: 1 });
  await plane.tick(3);
  const { why } = await plane.json(keys.summary);
  expect(why).toContain('All 4 tasks with speed = c failed, and none of the 8 others.');
  expect(why).toContain(
    'All 4 tasks with speed = b took over 2 s (the fastest quarter of all: 1 s at most), and none of the 4 others.',
  );
  expect(await plane.text(keys.report)).toMatch(/<td class="mono">c<\/td><td class="number">4<\/td>/);
});
