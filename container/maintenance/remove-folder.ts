import { lstat, opendir, rm, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { hasCode, ifMissing } from '../util/system-errors.ts';

/** Each look and each removal is a round trip on EFS. */
const AT_ONCE = 16;
/** A listing over NFS may leave out entries while others are removed. */
const PASSES = 5;

/**
 * Removes a folder and all in it; links are removed, not followed, the folder itself included where it is one. Answers
 * what it held. Another job may remove the same folder at the same time. @throws the file system's errors
 */
export async function removeFolder(folder: string): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  const found = await lstat(folder).catch(ifMissing(undefined));
  if (found?.isDirectory() === false) {
    await rm(folder, { force: true });
    return { files: 1, bytes: found.size };
  }
  for (let pass = 1; ; pass += 1) {
    try {
      await empty(folder, sum);
      await rmdir(folder);
      return sum;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return sum;
      if (!hasCode(error, 'ENOTEMPTY')) throw error;
    }
    if (pass < PASSES) continue;
    // Names that are not UTF-8 are not found under what they were read as; Node's own way takes them as bytes.
    await rm(folder, { recursive: true, force: true });
    return sum;
  }
}

/** What a folder holds, or a file that is in its place. @throws the file system's errors */
export async function sizeOfFolder(folder: string): Promise<{ files: number; bytes: number }> {
  const found = await lstat(folder);
  if (!found.isDirectory()) return { files: 1, bytes: found.size };
  const sum = { files: 0, bytes: 0 };
  await forEachBounded(await opendir(folder), AT_ONCE, async ({ name }) => {
    const { files, bytes } = await sizeOfFolder(join(folder, name));
    sum.files += files;
    sum.bytes += bytes;
  });
  return sum;
}

async function empty(folder: string, sum: { files: number; bytes: number }): Promise<void> {
  const folders: string[] = [];
  await forEachBounded(await opendir(folder), AT_ONCE, async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      folders.push(path);
      return;
    }
    try {
      const { size } = await lstat(path);
      await unlink(path);
      sum.files += 1;
      sum.bytes += size;
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  });
  // One after another: a tree that branches widely would hold thousands of folders open.
  for (const path of folders) {
    const { files, bytes } = await removeFolder(path);
    sum.files += files;
    sum.bytes += bytes;
  }
}
