import { describe, expect, it } from 'vitest';
import { takeOwnership } from '../../container/fence.ts';
import type { S3Port } from '../../experiment/ports.ts';
import { realClock } from '../../local/real-clock.ts';
import { memoryBodies } from '../../local/s3/memory-bodies.ts';
import { ObjectIndex } from '../../local/s3/object-index.ts';
import { LocalS3 } from '../../local/s3/s3.ts';
import { S3InProcess } from '../../local/s3/s3-in-process.ts';
import { SeededRandom } from '../../local/seeded-random.ts';

const run = { bucket: 'b', runId: 'a-0123456789a' };
const take = (s3: S3Port, jobId: string, attempt: number, nonce: string) =>
  takeOwnership(s3, run, { jobId, attempt, nonce }, realClock);

function memoryS3(): S3Port {
  return new S3InProcess(
    new LocalS3({
      bucket: 'b',
      bodies: memoryBodies(),
      index: new ObjectIndex(),
      clock: realClock,
      nonce: new SeededRandom(1).nonce,
      missing: 'AccessDenied',
      keepNoncurrent: 2,
    }),
  );
}

describe('the fence', () => {
  it('lets one of two jobs in, however they race', async () => {
    const s3 = memoryS3();
    const fences = await Promise.all([take(s3, 'one', 1, 'n1'), take(s3, 'two', 1, 'n2')]);
    expect(fences.map((fence) => fence.kind).sort()).toEqual(['other', 'owned']);
  });

  it('is taken over by a higher attempt of the same job only', async () => {
    const s3 = memoryS3();
    expect(await take(s3, 'one', 2, 'n1')).toEqual({ kind: 'owned' });
    expect(await take(s3, 'one', 1, 'n2')).toMatchObject({ kind: 'other' });
    expect(await take(s3, 'one', 2, 'n3')).toMatchObject({ kind: 'other' });
    expect(await take(s3, 'two', 9, 'n4')).toMatchObject({ kind: 'other', owner: { jobId: 'one' } });
    expect(await take(s3, 'one', 3, 'n5')).toEqual({ kind: 'owned' });
  });

  it('is owned when the write arrived and only its answer was lost', async () => {
    const inner = memoryS3();
    let lost = false;
    const s3 = {
      async send(command: Parameters<S3Port['send']>[0]) {
        const answer = await inner.send(command);
        if (command.constructor.name === 'PutObjectCommand' && !lost) {
          lost = true;
          // What the SDK's own retry of that write then meets.
          throw Object.assign(new Error('PreconditionFailed'), { $metadata: { httpStatusCode: 412 } });
        }
        return answer;
      },
    } as S3Port;
    expect(await take(s3, 'one', 1, 'n1')).toEqual({ kind: 'owned' });
    expect(lost).toBe(true);
  });
});
