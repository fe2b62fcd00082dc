import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ObjectVersion as S3Version } from '@aws-sdk/client-s3';
import type { Clock } from '../experiment/util/clock.ts';
import { ServiceUnavailable } from '../experiment/util/errors.ts';
import { isBeyondEnd, isConflict, isMissing, isNotFound, isPreconditionFailed, isRefused } from './errors.ts';
import { paginate } from './paginate.ts';
import type { LargeObjects, S3Port } from './ports.ts';
import type {
  ListedVersion,
  ObjectVersion,
  StoredText,
  UntrustedText,
  VersionCursor,
  WriteCondition,
} from './stored-object.ts';
import { TooLarge } from './stored-object.ts';

export interface ReadOptions extends ObjectVersion {
  /** More than this is not read, whatever S3 has: 16 MiB where nothing is said. */
  maxBytes?: number;
  /** The reader may list the bucket: S3 answers 404 for a missing object then, and 403 is a refusal, which is thrown. */
  mayList?: true;
}

/** S3's limit for one PUT. */
export const MOST_IN_ONE_PUT = 5 * 1024 ** 3;
const MAX_BYTES = 16 * 1024 * 1024;

/** S3 answers 409 when two conditional writes cross; it asks for another try. */
const CONFLICT_TRIES = 8;

export const JSON_TYPE = 'application/json';
export const HTML_TYPE = 'text/html; charset=utf-8';
export const TEXT_TYPE = 'text/plain; charset=utf-8';

/** One bucket, read and written the way this system needs: missing objects are no errors, conditions are answers. */
export class Bucket {
  readonly #s3: S3Port & LargeObjects;
  readonly #clock: Clock;
  readonly name: string;

  constructor(s3: S3Port & LargeObjects, name: string, clock: Clock) {
    this.#s3 = s3;
    this.name = name;
    this.#clock = clock;
  }

  /** @returns undefined for a missing object @throws TooLarge */
  async read(key: string, options: ReadOptions = {}): Promise<StoredText | undefined> {
    const found = await this.#readWhole(key, options);
    return found && { text: found.bytes.toString('utf8'), etag: found.etag };
  }

  /**
   * The same of what tasks can write over: more than is read of it is as good as empty, and can be replaced as well. So is
   * what S3 never hands out, for instance an object that was encrypted with a key of somebody's own.
   */
  async readUntrusted(key: string, options: ReadOptions = {}): Promise<UntrustedText | undefined> {
    try {
      const found = await this.#readWhole(key, options);
      return found && { text: found.bytes.toString('utf8'), etag: found.etag, modified: found.modified };
    } catch (error) {
      if (error instanceof TooLarge) return { text: '', ...error.found };
      if (isRefused(error) && !isMissing(error)) return { text: '', etag: undefined, modified: undefined };
      throw error;
    }
  }

  /** @returns undefined for a missing object @throws TooLarge */
  async readBytes(key: string, options: ReadOptions = {}): Promise<Uint8Array | undefined> {
    return (await this.#readWhole(key, options))?.bytes;
  }

  /** @returns undefined for a missing object */
  async head(key: string, version: ObjectVersion = {}): Promise<{ size: number; etag: string } | undefined> {
    return orMissing(version, async () => {
      const { ContentLength = 0, ETag = '' } = await this.#s3.headObject({
        ...this.#object(key),
        ...selecting(version),
      });
      return { size: ContentLength, etag: ETag };
    });
  }

  /**
   * Bytes of an object that grows at its end, from an offset on: at most so many, none where there are no more. Undefined
   * where there is no object, or one that ends before the offset.
   */
  async readFrom(key: string, from: number, most: number): Promise<Buffer | undefined> {
    // One byte that is known already: what has not grown is no error then.
    const known = Math.min(from, 1);
    const range = `bytes=${from - known}-${from + most - 1}`;
    try {
      return await orMissing({}, async () => {
        const { Body } = await this.#s3.getObject({ ...this.#object(key), Range: range });
        const bytes = Buffer.concat(await (Body instanceof Readable ? Body : Readable.from([])).toArray());
        return bytes.subarray(known);
      });
    } catch (error) {
      if (isBeyondEnd(error)) return undefined;
      throw error;
    }
  }

  /** The object as it comes, however large, or undefined for a missing one. The caller reads it to the end or destroys it. */
  async stream(key: string, options: Omit<ReadOptions, 'maxBytes'> = {}): Promise<Readable | undefined> {
    return orMissing(options, async () => (await this.open(key, options)).body);
  }

  /** The same of an object that must be there. @throws the SDK's error, also for a missing one */
  async open(
    key: string,
    version: ObjectVersion = {},
  ): Promise<{ body: Readable; etag: string; modified: number | undefined }> {
    const answer = await this.#s3.getObject({ ...this.#object(key), ...selecting(version) });
    const { Body, ETag = '', LastModified } = answer;
    // In Node the SDK's body is a Readable; its type covers browsers as well.
    const body = Body instanceof Readable ? Body : Readable.from([]);
    return { body, etag: ETag, modified: LastModified?.getTime() };
  }

  /** @returns what S3 calls the object as it was written @throws the SDK's error, also where the condition did not hold */
  async write(
    key: string,
    body: string | Uint8Array,
    contentType?: string,
    condition?: WriteCondition,
  ): Promise<ObjectVersion> {
    const { ETag, VersionId } = await this.#s3.putObject({
      ...this.#object(key),
      Body: body,
      ContentType: contentType,
      ...(condition === undefined ? {} : conditional(condition)),
    });
    return { etag: ETag, versionId: VersionId };
  }

  /**
   * A write under a condition. When an answer was lost and the SDK tried again, S3 says 412 although the write was done:
   * so the object is read back, and finding this very text there is success. Texts that may be written by two at once
   * carry a nonce.
   * @param condition undefined: whatever is there
   * @returns false when somebody else's text is there
   * @throws ServiceUnavailable when writes keep crossing
   */
  async writeIf(
    key: string,
    text: string,
    condition: WriteCondition | undefined,
    contentType = JSON_TYPE,
  ): Promise<boolean> {
    for (let tried = 1; tried <= CONFLICT_TRIES; tried += 1) {
      try {
        await this.write(key, text, contentType, condition);
        return true;
      } catch (error) {
        if (isPreconditionFailed(error)) return (await this.readUntrusted(key))?.text === text;
        // If-Match on an object that is gone is answered with 404, or with 403 to whoever may not list.
        if (
          condition !== undefined &&
          'ifMatch' in condition &&
          (isNotFound(error) || (isMissing(error) && (await this.#isGone(key))))
        )
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

  /** A body that is made while it is sent; `length` is known beforehand, which S3 needs. */
  async writeStream(key: string, body: Readable, length: number, contentType = TEXT_TYPE): Promise<void> {
    await this.#s3.putObject({
      ...this.#object(key),
      Body: body,
      ContentLength: length,
      ContentType: contentType,
    });
  }

  /** Sends a file of this machine as it is now. @param known what S3 is to hold it against, and to call it */
  async writeFile(
    key: string,
    file: string,
    known: { sha256?: string; contentType?: string } = {},
  ): Promise<void> {
    const { size } = await stat(file);
    await this.#s3.putObject({
      ...this.#object(key),
      Body: size === 0 ? '' : createReadStream(file),
      ContentLength: size,
      ContentType: known.contentType,
      ChecksumSHA256:
        known.sha256 === undefined ? undefined : Buffer.from(known.sha256, 'hex').toString('base64'),
    });
  }

  /** Bytes that S3 is to hold against their hash. */
  async writeChecked(key: string, body: Uint8Array, sha256: string): Promise<void> {
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    await this.#s3.putObject({
      ...this.#object(key),
      Body: body,
      ContentLength: body.length,
      ChecksumSHA256,
    });
  }

  /** More bytes than S3 takes in one PUT. @param size for how many parts there are to be */
  async writeLarge(key: string, body: AsyncIterable<Uint8Array>, size: number): Promise<void> {
    const put = this.#s3.putLargeObject ?? this.#s3.putObject;
    await put({ ...this.#object(key), Body: Readable.from(body), ContentLength: size });
  }

  /** Sends a file of this machine, in parts where it is larger than S3 takes at once. */
  async writeAny(key: string, file: string, size: number): Promise<void> {
    if (size <= MOST_IN_ONE_PUT) await this.writeFile(key, file);
    else await this.writeLarge(key, createReadStream(file), size);
  }

  async delete(key: string): Promise<void> {
    await this.#s3.deleteObject(this.#object(key));
  }

  /** Folders right under a prefix, with it and their slash, in S3's order, from at most so many answers of 1,000. */
  async folders(
    prefix: string,
    answers = Number.POSITIVE_INFINITY,
  ): Promise<{ folders: string[]; complete: boolean }> {
    const folders: string[] = [];
    let asked = 0;
    for await (const { CommonPrefixes = [], NextContinuationToken } of this.#pages(prefix, '/')) {
      for (const { Prefix } of CommonPrefixes) if (Prefix !== undefined) folders.push(Prefix);
      asked += 1;
      if (asked >= answers) return { folders, complete: NextContinuationToken === undefined };
    }
    return { folders, complete: true };
  }

  /** Every object with a prefix, in S3's order; `modified` in milliseconds since the epoch. */
  async *list(prefix: string): AsyncGenerator<{ key: string; modified: number }> {
    for await (const { Contents = [] } of this.#pages(prefix))
      for (const { Key, LastModified } of Contents)
        if (Key !== undefined) yield { key: Key, modified: LastModified?.getTime() ?? 0 };
  }

  /**
   * All versions with a prefix, an answer of S3's at a time: by key, the newest first. Delete markers are left out.
   * @returns `last`, after which the list goes on; undefined at its end
   */
  async *versions(
    prefix: string,
    after?: VersionCursor,
  ): AsyncGenerator<{ versions: ListedVersion[]; last: VersionCursor | undefined }> {
    let last = after;
    do {
      const page = await this.#s3.listObjectVersions({
        Bucket: this.name,
        Prefix: prefix,
        KeyMarker: last?.key,
        VersionIdMarker: last?.version,
      });
      const { NextKeyMarker: key, NextVersionIdMarker: version } = page;
      last = key === undefined || version === undefined ? undefined : { key, version };
      yield { versions: (page.Versions ?? []).map(listedVersion), last };
    } while (last !== undefined);
  }

  #pages(Prefix: string, Delimiter?: string) {
    return paginate(
      (ContinuationToken) =>
        this.#s3.listObjectsV2({ Bucket: this.name, Prefix, Delimiter, ContinuationToken }),
      ({ NextContinuationToken }) => NextContinuationToken,
    );
  }

  async #readWhole(key: string, options: ReadOptions) {
    const { maxBytes = MAX_BYTES } = options;
    return orMissing(options, async () => {
      const { body, ...found } = await this.open(key, options);
      const chunks: Buffer[] = [];
      let size = 0;
      // Leaving the loop destroys the body, and with it the connection: the rest is never sent.
      for await (const chunk of body) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) throw new TooLarge(key, maxBytes, found);
      }
      return { bytes: Buffer.concat(chunks), ...found };
    });
  }

  #object(key: string) {
    return { Bucket: this.name, Key: key };
  }
}

/** Only as long as nobody has written it since it was read; whatever is there where S3 does not tell what it is. */
export function onlyOver(standing: { etag: string | undefined } | undefined): WriteCondition | undefined {
  if (standing === undefined) return { ifAbsent: true };
  return standing.etag === undefined ? undefined : { ifMatch: standing.etag };
}

function listedVersion({ Key = '', VersionId, ETag = '', LastModified }: S3Version): ListedVersion {
  return {
    key: Key,
    versionId: VersionId === 'null' ? undefined : VersionId,
    etag: ETag.replaceAll('"', ''),
    modified: LastModified?.getTime() ?? 0,
  };
}

function conditional(condition: WriteCondition) {
  return 'ifAbsent' in condition ? { IfNoneMatch: '*' } : { IfMatch: condition.ifMatch };
}

function selecting({ versionId, etag }: ObjectVersion) {
  if (versionId !== undefined) return { VersionId: versionId };
  return etag === undefined || etag === '' ? {} : { IfMatch: etag.startsWith('"') ? etag : `"${etag}"` };
}

async function orMissing<T>({ mayList }: ReadOptions, read: () => Promise<T>): Promise<T | undefined> {
  const isNone = mayList === true ? isNotFound : isMissing;
  try {
    return await read();
  } catch (error) {
    // 412: the object was overwritten since, so that version is gone.
    if (isNone(error) || isPreconditionFailed(error)) return undefined;
    throw error;
  }
}
