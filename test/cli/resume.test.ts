import { expect, it } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { resume } from '../../cli/commands/runs/resume.ts';
import { s3Store } from '../../cli/context/s3-store.ts';
import type { LiveSystem, Target } from '../../cli/context/target.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Status } from '../../experiment/records/status.ts';
import { renderJoblog } from '../../experiment/results/joblog.ts';
import { realClock } from '../../local/clock/real.ts';
import { aPlan, aRow, aStatus, RUN_ID } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { contextIn, folderOfItsOwn } from './context.ts';

const MANIFEST =
  'apiVersion: sierra-batch/v1\nname: sweep\ncluster: {nodes: 2}\nrun: {commands: {list: [a, b, c]}}\n';

async function aRun(state: Status['state']) {
  const s3 = memoryS3('b');
  const put = (Key: string, Body: string) => s3.putObject({ Bucket: 'b', Key, Body });
  const keys = runKeys(RUN_ID);
  await put(keys.status, JSON.stringify(aStatus({ state })));
  await put(keys.manifest, MANIFEST);
  await put(keys.plan, JSON.stringify(aPlan()));
  // The same command failed at number 2 and succeeded at number 1.
  await put(
    keys.joblog,
    renderJoblog([
      aRow(1, { command: 'a' }),
      aRow(2, { command: 'a', exitval: 1 }),
      aRow(3, { command: 'c', exitval: 1 }),
    ]),
  );
  await put(keys.commands, 'a\na\nc\n');
  const bucket = async () => new Bucket(s3, 'b', realClock);
  const live = { bucket, deployment: { bucket: 'b' } } as unknown as LiveSystem;
  const at: Target = {
    kind: 'local',
    name: 'here',
    store: s3Store(bucket),
    live,
    place: (key) => key,
    lookMs: 1,
    acceptedWithinMs: 0,
  };
  const list = async (Prefix: string) => (await s3.listObjectsV2({ Bucket: 'b', Prefix })).Contents ?? [];
  const text = async (Key = '') => (await s3.getObject({ Bucket: 'b', Key })).Body?.transformToString();
  return { ...contextIn(folderOfItsOwn(), { at }), list, text };
}

it.each(['queued', 'running', 'collecting'] as const)(
  'a run that is %s is not gone on with',
  async (state) => {
    const { context, list } = await aRun(state);
    await expect(resume(context, RUN_ID, {})).rejects.toThrow(
      `the run ${RUN_ID} is ${state}: only one that has ended can be gone on with`,
    );
    expect(await list('manifests/')).toEqual([]);
  },
);

it('a failed command runs again also at a number where the same one succeeded', async () => {
  const { context, list, text } = await aRun('failed');
  await expect(resume(context, RUN_ID, { failedOnly: true })).rejects.toThrow(
    /has neither accepted nor rejected/,
  );
  const [sent] = await list('inputs/');
  expect(await text(sent?.Key)).toBe('a \nc\n');
  const [dropped] = await list('manifests/');
  expect(await text(dropped?.Key)).toContain(`"resume": "${RUN_ID}"`);
});
