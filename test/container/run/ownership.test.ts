import { describe, expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { takeOwnership } from '../../../container/run/ownership.ts';
import { realClock } from '../../../local/clock/real.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const run = { bucket: 'b', runId: 'a-0123456789a' };
const take = (s3: S3Port, jobId: string, attempt: number, nonce: string) =>
  takeOwnership(s3, run, { jobId, attempt, nonce }, realClock);

describe('the fence', () => {
  it('lets one of two jobs in, however they race', async () => {
    const s3 = memoryS3('b', 'AccessDenied');
    const fences = await Promise.all([take(s3, 'one', 1, 'n1'), take(s3, 'two', 1, 'n2')]);
    expect(fences.map((fence) => fence.kind).sort()).toEqual(['other', 'owned']);
  });

  it('is taken over by a higher attempt of the same job only', async () => {
    const s3 = memoryS3('b', 'AccessDenied');
    expect(await take(s3, 'one', 2, 'n1')).toEqual({ kind: 'owned' });
    expect(await take(s3, 'one', 1, 'n2')).toMatchObject({ kind: 'other' });
    expect(await take(s3, 'one', 2, 'n3')).toMatchObject({ kind: 'other' });
    expect(await take(s3, 'two', 9, 'n4')).toMatchObject({ kind: 'other', owner: { jobId: 'one' } });
    expect(await take(s3, 'one', 3, 'n5')).toEqual({ kind: 'owned' });
  });

  it('is owned when the write arrived and only its answer was lost', async () => {
    const inner = memoryS3('b', 'AccessDenied');
    let lost = false;
    const s3: S3Port = {
      ...inner,
      putObject: async (input) => {
        const answer = await inner.putObject(input);
        if (!lost) {
          lost = true;
          // What the SDK's own retry of that write then meets.
          throw Object.assign(new Error('PreconditionFailed'), { $metadata: { httpStatusCode: 412 } });
        }
        return answer;
      },
    };
    expect(await take(s3, 'one', 1, 'n1')).toEqual({ kind: 'owned' });
    expect(lost).toBe(true);
  });
});
