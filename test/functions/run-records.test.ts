import { expect, test } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { RunRecords } from '../../functions/stores/run-records.ts';
import { realClock } from '../../local/clock/real.ts';
import { asJobRole } from '../../local/http/job-role.ts';
import { aProgress } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';

const RUN = 'a-00000000001';

/** Tasks can write into their run's folder. */
test.each<[unknown, unknown]>([
  [
    [{ experiment: 'c1-exp0+c2-exp10', whole: 1, runs: 2 }],
    [{ experiment: 'c1-exp0+c2-exp10', whole: 1, runs: 2 }],
  ],
  [[{ experiment: '<b>', whole: 1, runs: 2 }], undefined],
  [[{ experiment: 'c1-exp0', whole: -1, runs: 'x' }], undefined],
  [Array(2000).fill({ experiment: 'c1-exp0', whole: 1, runs: 2 }), undefined],
  ['all', undefined],
])('experiments that miss runs are read when they are such, case %#', async (incomplete, read) => {
  const s3 = memoryS3('lab');
  const Body = JSON.stringify({ ...aProgress(), incomplete });
  await s3.putObject({ Bucket: 'lab', Key: runKeys(RUN).progress, Body });

  const { progress } = await new RunRecords(new Bucket(s3, 'lab', realClock), RUN).progress();

  expect(progress?.jobId).toBe('j');
  expect(progress?.incomplete).toEqual(read);
});

test('an event at no date counts for nothing, nor does what a task may write below `events/`', async () => {
  const s3 = memoryS3('lab');
  const bucket = new Bucket(s3, 'lab', realClock);
  const { events } = runKeys(RUN);
  const phase = { kind: 'phase', at: 1, jobId: 'j', attempt: 1, phase: 'running' };
  await bucket.write(`${events}phase-0123456789abcdef.json`, JSON.stringify({ ...phase, at: 1e300 }));
  const task = new Bucket(asJobRole(s3), 'lab', realClock);
  for (const name of ['owner.json', 'logs/tasks/phase-0123456789abcdef.json'])
    await task.write(`${events}${name}`, JSON.stringify(phase));
  await expect(task.write(`${events}phase-0123456789abcde0.json`, '{}')).rejects.toThrow();

  const status = await new RunRecords(bucket, RUN).observe([{ kind: 'accepted', at: 0 }]);

  expect(status.state).toBe('submitted');
});

test('what is observed now is in the status, however much a task laid beside the events', async () => {
  const s3 = memoryS3('lab');
  const bucket = new Bucket(s3, 'lab', realClock);
  const records = new RunRecords(bucket, RUN);
  await records.observe([{ kind: 'accepted', at: 0 }]);
  const Contents = Array.from({ length: 1000 }, (_, at) => ({
    Key: `${runKeys(RUN).events}${at}/owner.json`,
  }));
  let pages = 0;
  const flooded = {
    ...s3,
    listObjectsV2: async () => {
      pages += 1;
      return { $metadata: {}, Contents, NextContinuationToken: 'more' };
    },
  };
  const stop = { kind: 'stop-asked', at: 1, cause: 'cancelled', why: 'lunch' } as const;
  const status = await new RunRecords(new Bucket(flooded, 'lab', realClock), RUN).observe([stop]);

  expect(status.why).toContain('lunch');
  expect(pages).toBeLessThan(30);
});
