import { Readable } from 'node:stream';
import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import type { S3Port } from '../../../aws/ports.ts';
import type { Clock, MakeNonce } from '../../../experiment/util/clock.ts';
import type { Bodies } from './bodies.ts';
import { listObjects, listVersions } from './list-objects.ts';
import type { ObjectIndex, ObjectVersion } from './object-index.ts';
import { byteRange } from './range.ts';
import { s3Error } from './service-error.ts';

const MOST_IN_ONE_PUT = 5 * 1024 ** 3;

export interface LocalS3Settings {
  bucket: string;
  bodies: Bodies;
  index: ObjectIndex;
  clock: Clock;
  nonce: MakeNonce;
  /** AWS answers 403 for a missing key to whoever may not list the bucket. */
  missing: 'NoSuchKey' | 'AccessDenied';
  /** Noncurrent versions kept of a key outside `manifests/`, as the deployment's lifecycle rule keeps them a day. */
  keepNoncurrent: number;
  /** Called for every version as it becomes current. */
  onVersion?: (version: ObjectVersion) => void;
  onCreated?: (object: CreatedObject) => void;
}

/** What an "Object Created" event says of an object. */
export interface CreatedObject {
  bucket: string;
  version: ObjectVersion;
  sequencer: string;
}

/**
 * One versioned bucket with the semantics of S3 that this system rests on: conditional writes, versions, ETags, ranges,
 * listing in order. A write is committed in one synchronous step, so two at once are ordered as S3 orders them.
 */
export class LocalS3 implements S3Port {
  readonly #settings: LocalS3Settings;
  #sequence = 0;

  constructor(settings: LocalS3Settings) {
    this.#settings = settings;
  }

  readonly putObject: S3Port['putObject'] = async (input) => {
    const { bodies, clock, nonce } = this.#settings;
    const key = this.#checkedKey(input);
    // AWS looks at the condition first, and again when the body has arrived.
    if ((input.ContentLength ?? 0) > MOST_IN_ONE_PUT)
      throw s3Error('EntityTooLarge', `${key} has over 5 GiB, which S3 takes in parts only`);
    this.#checkCondition(key, input);
    const written = await bodies.write(toBody(input.Body));
    try {
      if (input.ContentLength !== undefined && input.ContentLength !== written.size)
        throw s3Error(
          'IncompleteBody',
          `${input.ContentLength} bytes of ${key} were promised, ${written.size} came`,
        );
      this.#checkCondition(key, input);
    } catch (error) {
      written.discard();
      throw error;
    }
    const version: ObjectVersion = {
      key,
      versionId: nonce(),
      etag: `"${written.md5}"`,
      size: written.size,
      lastModified: clock.now(),
      ...(input.ContentType === undefined ? {} : { contentType: input.ContentType }),
    };
    written.commit(key, version.versionId);
    this.#becomeCurrent(version);
    this.#settings.onCreated?.({ bucket: this.#settings.bucket, version, sequencer: this.#nextSequencer() });
    return { $metadata: { httpStatusCode: 200 }, ETag: version.etag, VersionId: version.versionId };
  };

  readonly getObject: S3Port['getObject'] = async (input) => {
    const version = this.#readable(input);
    const range = byteRange(input.Range, version.size);
    const bytes = this.#settings.bodies.read(version.key, version.versionId, range.from, range.to);
    const stream = bytes instanceof Uint8Array ? streamOf(bytes) : bytes;
    return {
      ...describe(version),
      ContentLength: range.to - range.from + 1,
      ...(range.whole ? {} : { ContentRange: `bytes ${range.from}-${range.to}/${version.size}` }),
      Body: sdkStreamMixin(stream),
      $metadata: { httpStatusCode: range.whole ? 200 : 206 },
    };
  };

  readonly headObject: S3Port['headObject'] = async (input) => {
    return { ...describe(this.#readable(input)), $metadata: { httpStatusCode: 200 } };
  };

  readonly deleteObject: S3Port['deleteObject'] = async (input) => {
    const key = this.#checkedKey(input);
    const current = this.#settings.index.current(key);
    if (current !== undefined && current.deleted !== true) this.#settings.bodies.hide(key);
    const marker: ObjectVersion = {
      key,
      versionId: this.#settings.nonce(),
      etag: '',
      size: 0,
      lastModified: this.#settings.clock.now(),
      deleted: true,
    };
    this.#becomeCurrent(marker);
    return { $metadata: { httpStatusCode: 204 }, DeleteMarker: true, VersionId: marker.versionId };
  };

  readonly listObjectsV2: S3Port['listObjectsV2'] = async (input) => {
    this.#checkBucket(input.Bucket);
    return listObjects(this.#settings.index, input);
  };

  readonly listObjectVersions: S3Port['listObjectVersions'] = async (input) => {
    this.#checkBucket(input.Bucket);
    if (input.VersionIdMarker !== undefined && input.KeyMarker === undefined)
      throw s3Error('InvalidArgument', 'A version-id marker cannot be specified without a key marker.');
    return listVersions(this.#settings.index, input);
  };

  #becomeCurrent(version: ObjectVersion): void {
    const { bodies, index, keepNoncurrent, onVersion } = this.#settings;
    index.add(version);
    onVersion?.(version);
    if (version.key.startsWith('manifests/')) return;
    for (const old of index.trim(version.key, keepNoncurrent + 1)) bodies.drop(old.key, old.versionId);
  }

  #readable(input: {
    Bucket: string | undefined;
    Key: string | undefined;
    VersionId?: string | undefined;
    IfMatch?: string | undefined;
  }): ObjectVersion {
    const key = this.#checkedKey(input);
    const { index, missing } = this.#settings;
    const version = input.VersionId === undefined ? index.current(key) : index.version(key, input.VersionId);
    if (version === undefined || version.deleted === true) {
      if (input.VersionId !== undefined && missing === 'NoSuchKey')
        throw s3Error('NoSuchVersion', `no version ${input.VersionId} of ${key}`);
      throw s3Error(missing, missing === 'NoSuchKey' ? `no object ${key}` : 'Access Denied');
    }
    if (input.IfMatch !== undefined && !sameEtag(input.IfMatch, version.etag)) throw preconditionFailed(key);
    return version;
  }

  #checkCondition(key: string, { IfMatch, IfNoneMatch }: PutObjectCommandInput): void {
    const current = this.#settings.index.current(key);
    const exists = current !== undefined && current.deleted !== true;
    if (IfNoneMatch !== undefined) {
      if (IfNoneMatch !== '*') throw s3Error('NotImplemented', 'If-None-Match of a write takes only *');
      if (exists) throw preconditionFailed(key);
    }
    if (IfMatch !== undefined) {
      if (!exists) throw s3Error('NoSuchKey', `no object ${key}`);
      if (!sameEtag(IfMatch, current.etag)) throw preconditionFailed(key);
    }
  }

  #checkedKey(input: { Bucket: string | undefined; Key: string | undefined }): string {
    this.#checkBucket(input.Bucket);
    const key = input.Key ?? '';
    if (key === '' || Buffer.byteLength(key) > 1024)
      throw s3Error('KeyTooLongError', `a key has 1 to 1,024 bytes: ${JSON.stringify(key.slice(0, 80))}`);
    // A folder cannot hold these; the real S3 can, but no part of the system makes one.
    if (
      key.endsWith('/') ||
      key.includes('\0') ||
      key.split('/').some((part) => part === '' || part === '.' || part === '..')
    ) {
      throw s3Error('InvalidArgument', `the local bucket takes no such key: ${JSON.stringify(key)}`);
    }
    return key;
  }

  #checkBucket(bucket: string | undefined): void {
    if (bucket !== this.#settings.bucket)
      throw s3Error(
        'NoSuchBucket',
        `there is no bucket ${JSON.stringify(bucket)}; the local one is ${this.#settings.bucket}`,
      );
  }

  #nextSequencer(): string {
    this.#sequence += 1;
    return `${this.#settings.clock.now().toString(16).padStart(12, '0')}${this.#sequence.toString(16).padStart(8, '0')}`.toUpperCase();
  }
}

function preconditionFailed(key: string): Error {
  return s3Error(
    'PreconditionFailed',
    `At least one of the pre-conditions you specified did not hold (${key})`,
  );
}

function sameEtag(given: string, etag: string): boolean {
  return given === etag || `"${given}"` === etag;
}

function describe(version: ObjectVersion) {
  return {
    ETag: version.etag,
    VersionId: version.versionId,
    ContentLength: version.size,
    LastModified: new Date(version.lastModified),
    ContentType: version.contentType ?? 'application/octet-stream',
    AcceptRanges: 'bytes',
  };
}

/** Cheaper than `Readable.from`, which goes through an iterator. */
function streamOf(bytes: Uint8Array): Readable {
  return new Readable({
    read() {
      if (bytes.length > 0) this.push(bytes);
      this.push(null);
    },
  });
}

function toBody(body: PutObjectCommandInput['Body']): Readable | Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array || body instanceof Readable) return body;
  throw s3Error('NotImplemented', 'a body is text, bytes or a Node stream');
}
