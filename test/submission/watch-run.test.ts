import { expect, test } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { realClock } from '../../local/clock/real.ts';
import { watchRun } from '../../submission/watch-run.ts';
import { aStatus, aSummary, RUN_ID } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';

async function watched(summary: unknown) {
  const bucket = new Bucket(memoryS3('lab'), 'lab', realClock);
  const keys = runKeys(RUN_ID);
  await bucket.write(keys.status, JSON.stringify(aStatus()));
  await bucket.write(keys.progress, 'ha');
  await bucket.write(keys.summary, JSON.stringify(summary));
  return watchRun(bucket, RUN_ID, { clock: realClock });
}

test('a run is watched to its end, whatever was written over its progress', async () => {
  const summary = await watched(aSummary());

  expect(summary).toEqual(aSummary());
});

test('a run that ended without a report is not waited for without end', async () => {
  const bucket = new Bucket(memoryS3('lab'), 'lab', realClock);
  await bucket.write(runKeys(RUN_ID).status, JSON.stringify(aStatus({ state: 'failed' })));
  let now = 0;
  const leaving = new AbortController();
  const sleep = async (ms: number) => {
    now += 1000 * ms;
    if (now > 3_600_000) leaving.abort(); // It fails where it would wait for ever.
  };
  const { signal } = leaving;
  const watching = watchRun(bucket, RUN_ID, { clock: { now: () => now, sleep }, signal });
  await expect(watching).rejects.toThrow(/ended \(failed\) without a report/);
});

test('a summary that was written over ends the watch', async () => {
  await expect(watched({ outcome: 'fine' })).rejects.toThrow('summary.json is not what sierra-batch wrote');
});
