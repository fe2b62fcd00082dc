import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../util/system-errors.ts';

/** A batch root is `<project>/<controller>/<template>/<batch>` below the folder that SIERRA was given as its root. */
const DEPTH = 4;

/** The newest joblog of all batch roots under a folder, `<batch root>/scratch/parallel.log`. @param notBefore milliseconds since the epoch */
export async function newestBatchJoblog(
  folder: string,
  notBefore = 0,
): Promise<{ path: string; at: number } | undefined> {
  let roots = [folder];
  for (let depth = 0; depth < DEPTH; depth += 1) roots = (await Promise.all(roots.map(foldersIn))).flat();
  let newest: { path: string; at: number } | undefined;
  for (const root of roots) {
    const path = join(root, 'scratch/parallel.log');
    const at = (await orNothing(stat(path)))?.mtimeMs;
    if (at !== undefined && at >= notBefore && (newest === undefined || at > newest.at))
      newest = { path, at };
  }
  return newest;
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = (await orNothing(readdir(folder, { withFileTypes: true }))) ?? [];
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => join(folder, name));
}

/** Programs at work make and remove what is looked at, and some folders are nobody else's. */
const PASSED_OVER = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM'];

async function orNothing<Value>(looking: Promise<Value>): Promise<Value | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (hasCode(error, ...PASSED_OVER)) return undefined;
    throw error;
  }
}
