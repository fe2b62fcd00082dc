import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

export type ManifestFile = { ok: true; bytes: Uint8Array } | { ok: false; why: string };

/** One byte more than a manifest may have is enough to refuse it, however much there is. */
const MAX_READ = 1024 * 1024 + 1;

/** Reads a manifest's bytes, or says in a sentence why not. @param shownAs the path as the user wrote it */
export function readManifestFile(path: string, shownAs: string): ManifestFile {
  if (!/\.(yaml|yml|json)$/.test(path))
    return { ok: false, why: `${shownAs} is not a manifest: its name has to end in .yaml, .yml or .json` };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    return { ok: false, why: cannotOpen(error, shownAs) };
  }
  try {
    if (!fstatSync(file).isFile()) return { ok: false, why: `${shownAs} is not a file` };
    const buffer = Buffer.alloc(MAX_READ);
    let length = 0;
    for (let read = -1; read !== 0 && length < MAX_READ; length += read)
      read = readSync(file, buffer, length, MAX_READ - length, null);
    return { ok: true, bytes: buffer.subarray(0, length) };
  } catch (error) {
    return { ok: false, why: `${shownAs} cannot be read: ${String(error)}` };
  } finally {
    closeSync(file);
  }
}

function cannotOpen(error: unknown, shownAs: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return `there is no file ${shownAs}`;
  if (code === 'EACCES' || code === 'EPERM') return `${shownAs} may not be read by this user`;
  return `${shownAs} cannot be opened: ${String(error)}`;
}
