import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Removes the join secrets of attempts whose node 0 was killed before it could do so itself. Only for when no node runs.
 * @param shared shared storage, absolute
 */
export async function removeJoinFolders(shared: string): Promise<void> {
  const runs = join(shared, 'runs');
  if (!existsSync(runs)) return;
  for (const run of await readdir(runs)) {
    const folder = join(runs, run, 'join');
    if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
  }
}
