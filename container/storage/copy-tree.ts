import { randomBytes } from 'node:crypto';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  opendir,
  readlink,
  rename,
  rm,
  symlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../util/for-each-limit.ts';

/** Each file is several round trips on EFS. */
const AT_ONCE = 8;

/**
 * Copies what lies in a folder into another, with modes, times and links as they are. Other runs may copy into that folder
 * and tasks may read there meanwhile: each file takes its place whole. @throws the file system's errors
 */
export async function copyTree(from: string, to: string): Promise<void> {
  const isNew = (await mkdir(to, { recursive: true })) !== undefined;
  const folders: string[] = [];
  await forEachBounded(await opendir(from), AT_ONCE, async (entry) => {
    if (entry.isDirectory()) {
      folders.push(entry.name);
      return;
    }
    const source = join(from, entry.name);
    await replace(join(to, entry.name), async (partial) => {
      if (entry.isSymbolicLink()) {
        await symlink(await readlink(source), partial);
        return;
      }
      const { atime, mtime } = await lstat(source);
      await copyFile(source, partial);
      await utimes(partial, atime, mtime);
    });
  });
  for (const name of folders) await copyTree(join(from, name), join(to, name));
  // Last: in a folder that may not be written nothing could be put.
  if (isNew) await chmod(to, (await lstat(from)).mode);
}

/** Has something made under a name that nobody else uses, and put in the place of what was there. */
export async function replace(path: string, make: (partial: string) => Promise<unknown>): Promise<void> {
  const partial = join(path, '..', `.partial-${randomBytes(8).toString('hex')}`);
  try {
    await make(partial);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
