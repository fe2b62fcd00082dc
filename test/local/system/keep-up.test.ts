import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { RunState } from '../../../experiment/records/status.ts';
import { realClock } from '../../../local/clock/real.ts';
import { keepUp } from '../../../local/system/keep-up.ts';
import { live } from '../../../local/system/live.ts';
import { shownSettings } from '../../../local/system/settings.ts';
import type { LocalSystem } from '../../../local/system/system.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { aStatus, RUN_ID } from '../../fixtures/records.ts';

const keys = runKeys(RUN_ID);
const MARK = `control/open/${RUN_ID}`;

/** A system that is kept up for `work`, what it says, and how to ask it to end. */
function kept(work: (system: LocalSystem) => Promise<number>) {
  const folder = join(folderOfItsOwn(), '.sierra-batch');
  const said: string[] = [];
  const asked = new AbortController();
  const ended = keepUp(
    {
      settings: shownSettings({ folder, from: folder }, live(), (line) => void said.push(line)),
      interruption: { asked: asked.signal, insisted: new AbortController().signal },
      say: (line) => said.push(line),
    },
    work,
  );
  return { ended, said, asked, isUp: () => existsSync(join(folder, 'local.json')) };
}

const bucketOf = ({ s3, bucket }: LocalSystem) => new Bucket(s3, bucket, realClock);
const stands = (bucket: Bucket, state: RunState) =>
  bucket.write(keys.status, JSON.stringify(aStatus({ runId: RUN_ID, state })));

test('a local system stays until the runs of other commands have ended, and says so', async () => {
  const started = Promise.withResolvers<Bucket>();
  const { ended, said, isUp } = kept(async (system) => {
    const bucket = bucketOf(system);
    await bucket.write(MARK, '', 'text/plain');
    await stands(bucket, 'running');
    started.resolve(bucket);
    return 3;
  });
  const bucket = await started.promise;
  await expect
    .poll(() => said)
    .toEqual(['Waiting for 1 other run in this local system. (Ctrl-C stops all.)']);
  expect(isUp()).toBe(true);
  await stands(bucket, 'succeeded');
  await bucket.delete(MARK);
  expect(await ended).toBe(3);
  expect(isUp()).toBe(false);
});

test('where the work fails, runs of other commands are waited for all the same', async () => {
  const started = Promise.withResolvers<Bucket>();
  const { ended, said } = kept(async (system) => {
    const bucket = bucketOf(system);
    await bucket.write(MARK, '', 'text/plain');
    await stands(bucket, 'running');
    started.resolve(bucket);
    throw new Error('of the work');
  });
  ended.catch(() => undefined);
  const bucket = await started.promise;
  await vi.waitFor(() => expect(said).toHaveLength(1), 20_000);
  await bucket.delete(MARK);
  await expect(ended).rejects.toThrow('of the work');
});

test('asked to end while inputs are packed, nothing is left to wait for', async () => {
  const { ended, said, asked } = kept(async () => {
    asked.abort();
    throw asked.signal.reason;
  });
  expect(await ended).toBe(143);
  expect(said).toEqual(['Stopping; waiting for all nodes to finish. (Ctrl-C once more kills them.)']);
});
