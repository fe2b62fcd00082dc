import { expect, test } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { clean } from '../../cli/commands/maintenance/clean.ts';
import { TEMPLATE } from '../../cli/commands/manifest/plan.ts';
import { readRows } from '../../cli/context/run-rows.ts';
import { s3Store } from '../../cli/context/s3-store.ts';
import type { LiveSystem } from '../../cli/context/target.ts';
import { maintenanceKey, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import type { RunState } from '../../experiment/records/status.ts';
import { realClock } from '../../local/clock/real.ts';
import { aPlan, aStatus } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { aTarget, contextIn } from './context.ts';

/** A system whose job that cleans finds this, and runs in its bucket. */
function aSystem(kept: { path: string; why: string }[] = []) {
  const s3 = memoryS3('b');
  const put = async (Key: string, Body: string) => s3.putObject({ Bucket: 'b', Key, Body });
  const bucket = async () => new Bucket(s3, 'b', realClock);
  const batch = async () => ({
    submitJob: async () => {
      const record = { jobId: 'job', at: '2026-01-01T00:00:00.000Z', kind: 'clean', freed: [], kept };
      await put(maintenanceKey('job'), JSON.stringify(record));
      return { jobId: 'job' };
    },
    describeJobs: async () => ({ jobs: [{ jobId: 'job', status: 'SUCCEEDED' }] }),
  });
  const live = { bucket, batch, deployment: TEMPLATE } as unknown as LiveSystem;
  const at = aTarget(s3Store(bucket), { live });
  const { context, said } = contextIn('/', { at });
  const run = async (state: RunState, key = 'manifests/sweep.yaml', folder?: string) => {
    const { VersionId: version = '' } = await put(key, `name: sweep # ${state} ${folder}`);
    const runId = makeRunId('sweep', { bucket: 'b', key, version });
    const keys = runKeys(runId);
    const plan = aPlan({ runId, folder: folder ?? runId, source: { bucket: 'b', key, version } });
    await put(keys.plan, JSON.stringify({ ...plan, name: 'sweep' }));
    await put(keys.status, JSON.stringify(aStatus({ runId, state })));
    for (const name of ['joblog.tsv', 'outputs/a', 'logs/tasks/1.err'])
      await put(`${keys.folder}${name}`, 'x');
    await put(keys.control, '{}');
    if (state === 'running') await put(`control/open/${runId}`, '');
    return runId;
  };
  const all = async () => {
    const keys: string[] = [];
    for await (const { key } of (await bucket()).list('')) keys.push(key);
    return keys.filter((key) => !key.startsWith('maintenance/'));
  };
  const listed = async () => (await readRows(at.store)).map(({ runId }) => runId);
  return { context, said, run, all, listed, put };
}

const RECORDS = { records: true, yes: true } as const;

test('clean --records deletes an ended run, its manifest among it; what keeps it from a second start stays', async () => {
  const { context, said, run, all, listed } = aSystem();
  const [gone, stays] = [await run('failed', 'manifests/1/m.yaml'), await run('succeeded')];
  const before = await all();
  await expect(clean(context, [gone], { records: true })).rejects.toThrow(
    `Delete ${gone} for good? Nobody can answer here, so nothing was removed; --yes says yes`,
  );
  expect(await clean(context, [gone], { ...RECORDS, dryRun: true })).toBe(0);
  expect(await all()).toEqual(before);
  expect(await clean(context, [gone], RECORDS)).toBe(0);
  expect(said.err).toContain(`Deleted: ${gone} (5 objects of the bucket)`);
  expect(await listed()).toEqual([stays]);
  const left = before.filter((key) => !key.startsWith(`runs/${gone}/`) && key !== 'manifests/1/m.yaml');
  expect(await all()).toEqual(left);
  expect(left).toContain(runKeys(gone).control);
});

test('a run that goes on, is being closed, or is resumed by one that goes on, stays', async () => {
  const { context, run, all, put } = aSystem();
  const first = await run('failed', 'manifests/1/m.yaml');
  const second = await run('failed', 'manifests/2/m.yaml', first);
  const third = await run('running', 'manifests/3/m.yaml', first);
  const closing = await run('succeeded', 'manifests/4/m.yaml');
  await put(`control/open/${closing}`, '');
  const before = await all();
  for (const resumed of [first, second])
    await expect(clean(context, [resumed], RECORDS)).rejects.toThrow(
      `the run ${third} has not ended and resumes ${resumed}`,
    );
  await expect(clean(context, [third], RECORDS)).rejects.toThrow(`the run ${third} is running; only a run`);
  await expect(clean(context, [closing], RECORDS)).rejects.toThrow(
    /is being closed \(succeeded\): try again/,
  );
  await expect(clean(context, [first], { ...RECORDS, older: 1 })).rejects.toThrow(
    /--records deletes runs that/,
  );
  expect(await all()).toEqual(before);
});

test('a manifest that another was dropped over stays, and so does all where shared storage could not be freed', async () => {
  const { context, run, all } = aSystem();
  const [older] = [await run('failed'), await run('succeeded')];
  expect(await clean(context, [older], RECORDS)).toBe(0);
  expect(await all()).toContain('manifests/sweep.yaml');
  const missing = aSystem([{ path: 'runs/x', why: 'it is not there' }]);
  expect(await clean(missing.context, [await missing.run('failed')], RECORDS)).toBe(0);
  expect(await missing.listed()).toEqual([]);
  const held = aSystem([{ path: 'runs/x', why: 'runs is a link' }]);
  expect(await clean(held.context, [await held.run('failed')], RECORDS)).toBe(1);
  expect(await held.listed()).toHaveLength(1);
});
