import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Lies in each folder that `fetch` wrote into, and says what it wrote there, as `sha256sum` writes it. */
export const FETCHED_FILE = '.sierra-batch-fetched';

/** Noted file by file: what an interrupted `fetch` has written is noted as well. */
export function noteFetched(into: string, path: string, sha256: string): void {
  // No link is followed: it could lead anywhere.
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  const file = openSync(join(into, FETCHED_FILE), O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o666);
  try {
    writeSync(file, `${sha256}  ${path}\n`);
  } finally {
    closeSync(file);
  }
}

/** SHA-256 by path, of what was fetched into a folder. */
export async function fetchedInto(folder: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(folder, FETCHED_FILE), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)] as const));
}
