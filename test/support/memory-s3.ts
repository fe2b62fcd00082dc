import type { S3Port } from '../../aws/ports.ts';
import { memoryBodies } from '../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../local/aws/s3/s3.ts';
import { S3InProcess } from '../../local/aws/s3/s3-in-process.ts';
import { realClock } from '../../local/clock/real.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { hostileS3 } from './hostile-ports.ts';

/** An empty bucket in memory, in real time, which answers as S3 may at its worst. @param missing how it answers for an object that is not there */
export function memoryS3(bucket: string, missing: 'NoSuchKey' | 'AccessDenied' = 'NoSuchKey'): S3Port {
  return hostileS3(
    new S3InProcess(
      new LocalS3({
        bucket,
        bodies: memoryBodies(),
        index: new ObjectIndex(),
        clock: realClock,
        nonce: new SeededRandom(1).nonce,
        missing,
        keepNoncurrent: 2,
      }),
    ),
  );
}
