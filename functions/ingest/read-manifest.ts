import type { Bucket } from '../../aws/bucket.ts';
import { isRefused, messageOf, nameOf } from '../../aws/errors.ts';
import type { ObjectVersion } from '../../aws/stored-object.ts';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import { parseManifest } from '../../experiment/manifest/parse.ts';
import type { Fault } from '../../experiment/manifest/source/fault.ts';
import type { Source } from '../../experiment/manifest/source/read.ts';
import { excessOf, manifestFormat } from '../../experiment/manifest/source/read.ts';

/** A manifest that was not accepted: its faults, and its text to show them in. */
export interface Refused {
  ok: false;
  faults: readonly Fault[];
  text: string;
}

export interface ReadManifest {
  ok: true;
  bytes: Uint8Array;
  manifest: Manifest;
  /** For faults that are found later. */
  source: Source;
  warnings: readonly Fault[];
}

/** Reads that very version. One that is gone, too large or closed to us is refused: trying again would never end. */
export async function readManifest(
  bucket: Bucket,
  key: string,
  version: ObjectVersion,
): Promise<ReadManifest | Refused> {
  try {
    return await read(bucket, key, version);
  } catch (error) {
    if (!isRefused(error)) throw error;
    // For instance a file encrypted with a key of somebody's own, or one that lies in an archive.
    return refused(
      'unreadable',
      `S3 does not hand ${key} to this deployment (${nameOf(error)}: ${messageOf(error)}); drop it again as a plain file`,
    );
  }
}

async function read(bucket: Bucket, key: string, version: ObjectVersion): Promise<ReadManifest | Refused> {
  const head = await bucket.head(key, version);
  if (head === undefined) return gone(key);
  const excess = excessOf(head.size);
  if (excess !== undefined) return refused('too-large', excess);
  const bytes = await bucket.readBytes(key, version);
  if (bytes === undefined) return gone(key);
  const parsed = parseManifest(bytes, manifestFormat(key), { origin: 'bucket' });
  if (!parsed.ok) return { ok: false, faults: parsed.faults, text: new TextDecoder().decode(bytes) };
  return { ok: true, bytes, manifest: parsed.manifest, source: parsed.source, warnings: parsed.warnings };
}

/** A fault of the file as a whole, or of what it names elsewhere. */
export function refused(code: string, message: string, path = '', text = ''): Refused {
  return { ok: false, faults: [{ code, path, line: 0, column: 0, text, message }], text: '' };
}

function gone(key: string): Refused {
  return refused(
    'gone',
    `this version of ${key} was deleted or overwritten before it could be read, or this deployment may not read it; drop it again`,
  );
}
