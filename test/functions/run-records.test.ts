import { expect, test } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { RunRecords } from '../../functions/stores/run-records.ts';
import { realClock } from '../../local/clock/real.ts';
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

test('an event at no date counts for nothing', async () => {
  const bucket = new Bucket(memoryS3('lab'), 'lab', realClock);
  const far = { kind: 'phase', at: 1e300, jobId: 'j', attempt: 1, phase: 'running' };
  await bucket.write(`${runKeys(RUN).events}far.json`, JSON.stringify(far));

  const status = await new RunRecords(bucket, RUN).observe([{ kind: 'accepted', at: 0 }]);

  expect(status.state).toBe('submitted');
});
