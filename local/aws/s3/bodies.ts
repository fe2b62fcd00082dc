import type { Readable } from 'node:stream';

/** A body written and not yet committed. */
export interface WrittenBody {
  size: number;
  /** MD5 in hexadecimal, as S3's ETag has it. */
  md5: string;
  /** Makes it the current body of `key`, keeping it readable by `versionId`. Does not wait for anything. @throws for a key that cannot be held */
  commit(key: string, versionId: string): void;
  /** Throws it away. */
  discard(): void;
}

/** Where the bytes of objects lie. Two forms: memory (simulation) and a folder (the bucket that people look at). */
export interface Bodies {
  write(body: Readable | Uint8Array): Promise<WrittenBody>;
  /** Bytes `from` to `to` (inclusive) of a version. */
  read(key: string, versionId: string, from: number, to: number): Uint8Array | Readable;
  /** `key` has no current body any more. */
  hide(key: string): void;
  /** Forgets a noncurrent version. */
  drop(key: string, versionId: string): void;
}
