import type { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { LargeObjects } from '../ports.ts';

const PART_BYTES = 16 * 1024 * 1024;
/** S3 takes 10,000. */
const MOST_PARTS = 9900;

/**
 * Objects over S3's 5 GiB for one PUT, in parts. What is left of an upload that broke off is not deleted here, which takes
 * a right of its own: the bucket's lifecycle rule does it after a day.
 */
export function largeObjects(client: S3Client): LargeObjects {
  return {
    putLargeObject: (params) =>
      new Upload({
        client,
        params,
        partSize: Math.max(PART_BYTES, Math.ceil((params.ContentLength ?? 0) / MOST_PARTS)),
        queueSize: 2,
        leavePartsOnError: true,
      }).done(),
  };
}
