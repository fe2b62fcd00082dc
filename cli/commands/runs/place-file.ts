import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmodSync, createWriteStream, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileSha256 } from '../../../aws/file-sha256.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { noteFetched } from '../../../submission/fetched.ts';

export const NOT_NAMED = 'is not named in the manifest’s `outputs`';

/** Where fetched files go. */
export interface Place {
  /** Absolute. */
  into: string;
  /** Files that are there and differ are replaced. */
  force: boolean;
}

/**
 * Puts a file where it belongs, checked by size and SHA-256. Answers what is wrong, or undefined once it lies there as the
 * list of outputs says.
 * @param open its bytes, asked for only where they are needed
 */
export async function placeFile(
  file: OutputFile,
  { into, force }: Place,
  open: () => Promise<Readable | undefined>,
): Promise<string | undefined> {
  const path = join(into, file.path);
  const inside = relative(into, path);
  // The index was written by a node, where a user's program ran: `results/../.git` is named by `results` and is not in it.
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside) || inside !== file.path)
    return 'would be outside the folder that names it';
  const trouble = makeFolders(into, inside.split('/').slice(0, -1));
  if (trouble !== undefined) return trouble;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (await isSame(path, found, file)) return allow(path, file);
  if (found !== undefined && !force) return 'is there already with other content; --force replaces it';
  const body = await open();
  if (body === undefined) return 'is in the index and not in the bucket';
  const part = `${path}.part-${process.pid}`;
  const remove = () => rmSync(part, { force: true });
  process.once('exit', remove); // Ctrl-C leaves no half of a file.
  try {
    const hash = createHash('sha256');
    let size = 0;
    const measure = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(body, measure, createWriteStream(part, { flags: 'wx' }));
    if (size !== file.size) return `has ${size} bytes instead of ${file.size}`;
    if (hash.digest('hex') !== file.sha256) return 'does not have the SHA-256 that the run recorded';
    allow(part, file);
    noteFetched(into, file.path, file.sha256);
    renameSync(part, path);
    return undefined;
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Makes the folders that a file lies in; answers why that cannot be. A link could lead anywhere. */
function makeFolders(into: string, names: readonly string[]): string | undefined {
  mkdirSync(into, { recursive: true });
  let folder = into;
  for (const name of names) {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true });
    if (!lstatSync(folder).isDirectory()) return `would be written through a link: ${relative(into, folder)}`;
  }
  return undefined;
}

async function isSame(
  path: string,
  found: Stats | undefined,
  { size, sha256 }: OutputFile,
): Promise<boolean> {
  return found?.isFile() === true && found.size === size && (await fileSha256(path)) === sha256;
}

/** Whoever reads it may run it, where the run could. Rights of others are as this person's own files have them. */
function allow(path: string, { mode = '' }: OutputFile): undefined {
  if (!/[1357]/.test(mode.charAt(0))) return;
  const { mode: now } = lstatSync(path);
  chmodSync(path, (now & 0o777) | ((now & 0o444) >> 2));
}
