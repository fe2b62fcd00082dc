import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes the join secrets of attempts whose node 0 was killed before it could do so itself. Only for when no node runs.
 * Tasks can write beside them: no link is followed.
 * @param shared shared storage, absolute
 */
export async function removeJoinFolders(shared: string): Promise<void> {
  const runs = join(shared, 'runs');
  if (!(await isFolder(runs))) return;
  for (const run of await readdir(runs))
    if (await isFolder(join(runs, run))) await rm(join(runs, run, 'join'), { recursive: true, force: true });
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}
