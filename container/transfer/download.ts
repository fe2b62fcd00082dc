import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import type { S3Port } from '../../aws/ports.ts';

const TRIES = 4;

/** An object of S3 could not be read or written: not the fault of shared storage. */
export class ObjectFailed extends Error {
  override readonly name = 'ObjectFailed';
  /** `s3://<bucket>/<key>` */
  readonly place: string;

  constructor({ bucket, key }: { bucket: string; key: string }, why: unknown) {
    super(why instanceof Error ? `${why.name}: ${why.message}` : String(why));
    this.place = `s3://${bucket}/${key}`;
  }
}

/**
 * Streams an object to a file and answers its SHA-256. The SDK asks again only until an answer begins: what breaks off in
 * the midst of a large object is begun anew here. @throws ObjectFailed, or the file system's errors
 */
export async function download(
  s3: S3Port,
  object: { bucket: string; key: string },
  to: string,
): Promise<string> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await downloadOnce(s3, object, to);
    } catch (error) {
      if (!(error instanceof BrokenOff)) throw error;
      if (tried === TRIES) throw new ObjectFailed(object, error.cause);
    }
  }
}

/** Bytes of an object stopped coming. */
class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

async function downloadOnce(
  s3: S3Port,
  object: { bucket: string; key: string },
  to: string,
): Promise<string> {
  const { Body } = await s3
    .send(new GetObjectCommand({ Bucket: object.bucket, Key: object.key }))
    .catch((error: unknown) => {
      throw new ObjectFailed(object, error);
    });
  if (!(Body instanceof Readable)) throw new ObjectFailed(object, 'it has no body');
  const hash = createHash('sha256');
  await pipeline(async function* () {
    try {
      for await (const chunk of Body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        yield chunk;
      }
    } catch (cause) {
      throw new BrokenOff('it broke off', { cause });
    }
  }, createWriteStream(to));
  return hash.digest('hex');
}
