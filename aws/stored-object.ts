export interface StoredText {
  text: string;
  etag: string;
}

/** What lies where tasks can write. */
export interface UntrustedText {
  /** Empty where there is more than is read, or what S3 never hands out. */
  text: string;
  /** Undefined where S3 tells none. */
  etag: string | undefined;
  /** When it was written, in milliseconds since the epoch. */
  modified: number | undefined;
}

/** Only where there is no object yet, or only over the very one that was read. */
export type WriteCondition = { ifAbsent: true } | { ifMatch: string };

/** One version of an object: by its id, or by its ETag in a bucket without versions. */
export interface ObjectVersion {
  versionId?: string | undefined;
  etag?: string | undefined;
}

/** As a list has it: `versionId` is absent where the bucket keeps none. */
export interface ListedVersion {
  key: string;
  versionId: string | undefined;
  /** Without quotes. */
  etag: string;
  /** Milliseconds since the epoch. */
  modified: number;
}

/** Where a list of versions goes on: behind this one. */
export interface VersionCursor {
  key: string;
  version: string;
}

/** An object has more bytes than its reader takes. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
  readonly found: Omit<UntrustedText, 'text'>;

  constructor(key: string, maxBytes: number, found: Omit<UntrustedText, 'text'>) {
    super(`${key} has more than ${maxBytes} bytes`);
    this.found = found;
  }
}
