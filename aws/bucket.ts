import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { Clock } from '../experiment/util/clock.ts';
import { ServiceUnavailable } from '../experiment/util/errors.ts';
import { isConflict, isMissing, isNotFound, isPreconditionFailed } from './errors.ts';
import type { S3Port } from './ports.ts';

export interface StoredText {
  text: string;
  etag: string;
}

/** Only where there is no object yet, or only over the very one that was read. */
export type WriteCondition = { ifAbsent: true } | { ifMatch: string };

/** S3 answers 409 when two conditional writes cross; it asks for another try. */
const CONFLICT_TRIES = 8;

/** One bucket, read and written the way this system needs: missing objects are no errors, conditions are answers. */
export class Bucket {
  readonly #s3: S3Port;
  readonly #clock: Clock;
  readonly name: string;

  constructor(s3: S3Port, name: string, clock: Clock) {
    this.#s3 = s3;
    this.name = name;
    this.#clock = clock;
  }

  /** @returns undefined for a missing object */
  async read(key: string): Promise<StoredText | undefined> {
    return orMissing(async () => {
      const { Body, ETag = '' } = await this.#s3.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
      return { text: (await Body?.transformToString('utf-8')) ?? '', etag: ETag };
    });
  }

  /** @returns undefined for a missing object */
  async head(key: string, version: ObjectVersion = {}): Promise<{ size: number; etag: string } | undefined> {
    return orMissing(async () => {
      const { ContentLength = 0, ETag = '' } = await this.#s3.send(
        new HeadObjectCommand({ Bucket: this.name, Key: key, ...selecting(version) }),
      );
      return { size: ContentLength, etag: ETag };
    });
  }

  /** @returns undefined for a missing object */
  async readBytes(key: string, version: ObjectVersion = {}): Promise<Uint8Array | undefined> {
    return orMissing(async () => {
      const { Body } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, ...selecting(version) }),
      );
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    });
  }

  /** The object as it comes, or undefined for a missing one. The caller reads it to the end or destroys it. */
  async stream(key: string, version: ObjectVersion = {}): Promise<AsyncIterable<Uint8Array> | undefined> {
    return orMissing(async () => {
      const { Body } = await this.#s3.send(
        new GetObjectCommand({ Bucket: this.name, Key: key, ...selecting(version) }),
      );
      // In Node the SDK's body is a Readable; its type covers browsers as well.
      return Body as AsyncIterable<Uint8Array> | undefined;
    });
  }

  async write(key: string, body: string | Uint8Array, contentType: string): Promise<void> {
    await this.#s3.send(
      new PutObjectCommand({ Bucket: this.name, Key: key, Body: body, ContentType: contentType }),
    );
  }

  /**
   * A write under a condition. When an answer was lost and the SDK tried again, S3 says 412 although the write was done:
   * so the object is read back, and finding this very text there is success. Texts that may be written by two at once
   * carry a nonce.
   * @returns false when somebody else's text is there
   * @throws ServiceUnavailable when writes keep crossing
   */
  async writeIf(
    key: string,
    text: string,
    condition: WriteCondition,
    contentType = JSON_TYPE,
  ): Promise<boolean> {
    for (let tried = 1; tried <= CONFLICT_TRIES; tried += 1) {
      try {
        await this.#s3.send(
          new PutObjectCommand({
            Bucket: this.name,
            Key: key,
            Body: text,
            ContentType: contentType,
            ...('ifAbsent' in condition ? { IfNoneMatch: '*' } : { IfMatch: condition.ifMatch }),
          }),
        );
        return true;
      } catch (error) {
        if (isPreconditionFailed(error)) return (await this.read(key))?.text === text;
        // If-Match on an object that is gone is answered with 404, or with 403 to whoever may not list.
        if ('ifMatch' in condition && (isNotFound(error) || (isMissing(error) && (await this.#isGone(key)))))
          return false;
        if (!isConflict(error)) throw error;
        await this.#clock.sleep(50 * 2 ** tried);
      }
    }
    throw new ServiceUnavailable(`writes of ${key} kept crossing each other`);
  }

  /** A 403 can also mean that the write was forbidden: then the object is still there. */
  async #isGone(key: string): Promise<boolean> {
    return (await this.head(key)) === undefined;
  }

  /**
   * A body that is made while it is sent; `length` is known beforehand, which S3 needs.
   * @returns false when there is an object already
   */
  async writeStreamIfAbsent(key: string, body: Readable, length: number): Promise<boolean> {
    try {
      await this.#s3.send(
        new PutObjectCommand({
          Bucket: this.name,
          Key: key,
          Body: body,
          ContentLength: length,
          ContentType: TEXT_TYPE,
          IfNoneMatch: '*',
        }),
      );
      return true;
    } catch (error) {
      if (isPreconditionFailed(error)) return false;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#s3.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }

  /** Folders right under a prefix, with it and their slash, in S3's order, from at most so many answers of 1,000. */
  async folders(prefix: string, answers: number): Promise<{ folders: string[]; complete: boolean }> {
    const folders: string[] = [];
    let ContinuationToken: string | undefined;
    for (let answer = 1; answer <= answers; answer += 1) {
      const page = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.name,
          Prefix: prefix,
          Delimiter: '/',
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix !== undefined) folders.push(Prefix);
      ContinuationToken = page.NextContinuationToken;
      if (ContinuationToken === undefined) return { folders, complete: true };
    }
    return { folders, complete: false };
  }

  /** Every object with a prefix, in S3's order; `modified` in milliseconds since the epoch. */
  async *list(prefix: string): AsyncGenerator<{ key: string; modified: number }> {
    let ContinuationToken: string | undefined;
    do {
      const page = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: this.name,
          Prefix: prefix,
          ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
        }),
      );
      for (const { Key, LastModified } of page.Contents ?? [])
        if (Key !== undefined) yield { key: Key, modified: LastModified?.getTime() ?? 0 };
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
  }
}

/** One version of an object: by its id, or by its ETag in a bucket without versions. */
export interface ObjectVersion {
  versionId?: string | undefined;
  etag?: string | undefined;
}

export const JSON_TYPE = 'application/json';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

function selecting({ versionId, etag }: ObjectVersion) {
  if (versionId !== undefined) return { VersionId: versionId };
  return etag === undefined || etag === '' ? {} : { IfMatch: etag.startsWith('"') ? etag : `"${etag}"` };
}

async function orMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    // 412: the object was overwritten since, so that version is gone.
    if (isMissing(error) || isPreconditionFailed(error)) return undefined;
    throw error;
  }
}
