import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Bucket } from './bucket.ts';

const TRIES = 4;

/** An object of S3 could not be read or written: not the fault of shared storage. */
export class ObjectFailed extends Error {
  override readonly name = 'ObjectFailed';
  /** `s3://<bucket>/<key>` */
  readonly place: string;

  constructor({ name }: Bucket, key: string, why: unknown) {
    super(why instanceof Error ? `${why.name}: ${why.message}` : String(why));
    this.place = `s3://${name}/${key}`;
  }
}

/**
 * Streams an object to a file and answers its SHA-256. The SDK asks again only until an answer begins: what breaks off in
 * the midst of a large object is begun anew here. @throws ObjectFailed, or the file system's errors
 */
export async function download(bucket: Bucket, key: string, to: string): Promise<string> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await downloadOnce(bucket, key, to);
    } catch (error) {
      if (!(error instanceof BrokenOff)) throw error;
      if (tried === TRIES) throw new ObjectFailed(bucket, key, error.cause);
    }
  }
}

/** Bytes of an object stopped coming. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

async function downloadOnce(bucket: Bucket, key: string, to: string): Promise<string> {
  const { body } = await bucket.open(key).catch((error: unknown) => {
    throw new ObjectFailed(bucket, key, error);
  });
  const hash = createHash('sha256');
  await pipeline(async function* () {
    try {
      for await (const chunk of body) {
        hash.update(chunk);
        yield chunk;
      }
    } catch (cause) {
      throw new BrokenOff('it broke off', { cause });
    }
  }, createWriteStream(to));
  return hash.digest('hex');
}
