import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { S3Port } from '../../aws/ports.ts';
import { s3Error } from '../aws/s3/service-error.ts';

interface Upload {
  Bucket: string;
  Key: string;
  ContentType: string | undefined;
  folder: string;
  /** By their number; a part that is sent again replaces the first. */
  parts: Map<number, string>;
}

/** Of all callers of this process: an upload begins with one request and ends with another. */
const uploads = new Map<string, Upload>();

/** S3's uploads in parts. The parts lie in a folder of their own until they become one object. */
export async function createUpload(object: Pick<Upload, 'Bucket' | 'Key' | 'ContentType'>): Promise<string> {
  const id = randomUUID();
  const folder = await mkdtemp(join(tmpdir(), 'sb-upload-'));
  uploads.set(id, { ...object, folder, parts: new Map() });
  return id;
}

/** @returns the part's ETag @throws NoSuchUpload, the file system's errors */
export async function uploadPart(id: string, number: number, body: Readable): Promise<string> {
  const { folder, parts } = uploadOf(id);
  const path = join(folder, randomUUID());
  await pipeline(body, createWriteStream(path));
  parts.set(number, path);
  return `"${number}"`;
}

/** @throws NoSuchUpload, and what S3 throws */
export async function completeUpload(s3: S3Port, id: string): ReturnType<S3Port['putObject']> {
  const { Bucket, Key, ContentType, folder, parts } = uploadOf(id);
  const paths = [...parts].sort(([one], [other]) => one - other).map(([, path]) => path);
  async function* bytes(): AsyncGenerator<Buffer> {
    for (const path of paths) {
      yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
      // Never the whole object twice.
      await rm(path);
    }
  }
  try {
    return await s3.putObject({ Bucket, Key, ContentType, Body: Readable.from(bytes()) });
  } finally {
    await rm(folder, { recursive: true, force: true });
    uploads.delete(id);
  }
}

function uploadOf(id: string): Upload {
  const upload = uploads.get(id);
  if (upload === undefined) throw s3Error('NoSuchUpload', `there is no upload ${id}`);
  return upload;
}
