import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  opendir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { ifMissing } from '../util/system-errors.ts';

/** Each file is several round trips on EFS. */
const AT_ONCE = 8;

/** What is to be put there is a file, and there is a folder with something in it. */
export class FolderInTheWay extends Error {
  override readonly name = 'FolderInTheWay';
}

/**
 * Copies what lies in a folder into another, with modes and links as they are. What is there already and the same is left
 * alone, with its time; what differs is newer than what was there, to Python and make as well. Other runs may copy into
 * that folder and tasks may read there meanwhile: each file takes its place whole.
 * @throws FolderInTheWay, or the file system's errors
 */
export async function copyTree(from: string, to: string): Promise<void> {
  const isNew = await makeFolder(to);
  const folders: string[] = [];
  await forEachBounded(await opendir(from), AT_ONCE, async (entry) => {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) folders.push(entry.name);
    else if (entry.isSymbolicLink()) await copyLink(source, target);
    else if (await isSame(source, target)) await copyMode(source, target);
    else await replace(target, (partial) => copyFile(source, partial));
  });
  for (const name of folders) await copyTree(join(from, name), join(to, name));
  // Last: in a folder that may not be written nothing could be put.
  if (isNew) await chmod(to, (await lstat(from)).mode);
}

/**
 * Has something made under a name that nobody else uses, and put in the place of what was there, in a later second than
 * that: Python compares whole seconds. @throws FolderInTheWay, or the file system's errors
 */
export async function replace(path: string, make: (partial: string) => Promise<unknown>): Promise<void> {
  const partial = join(path, '..', `.partial-${randomBytes(8).toString('hex')}`);
  try {
    await make(partial);
    const [made, before] = await Promise.all([lstat(partial), found(path)]);
    if (before?.isDirectory() === true)
      throw new FolderInTheWay(
        `${path} is a folder, and a file with the same name has to be put there: rename one of them`,
      );
    // A later try of an object may bring what is there.
    if (before?.isFile() === true && (await isSame(partial, path))) {
      await rm(partial, { force: true });
      return;
    }
    const least = before === undefined ? 0 : Math.floor(before.mtimeMs / 1000) + 1;
    if (made.isFile() && made.mtimeMs / 1000 < least) await utimes(partial, least, least);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

async function copyLink(source: string, target: string): Promise<void> {
  const leadsTo = await readlink(source);
  if ((await readlink(target).catch(() => undefined)) === leadsTo) return;
  await replace(target, (partial) => symlink(leadsTo, partial));
}

/** A mode of its own may have changed alone. */
async function copyMode(source: string, target: string): Promise<void> {
  const [wanted, there] = await Promise.all([lstat(source), lstat(target)]);
  if (wanted.mode !== there.mode) await chmod(target, wanted.mode);
}

/** Answers whether there was none. A link or a file in its place goes: nothing is written through it. */
async function makeFolder(path: string): Promise<boolean> {
  const before = await found(path);
  if (before?.isDirectory() === true) return false;
  if (before !== undefined) await rm(path, { force: true });
  return (await mkdir(path, { recursive: true })) !== undefined;
}

async function found(path: string) {
  return lstat(path).catch(ifMissing(undefined));
}

/** Whether both are files of the same bytes. */
async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), found(other)]);
  if (b?.isFile() !== true || a.size !== b.size) return false;
  const blocks = createReadStream(other)[Symbol.asyncIterator]();
  try {
    for await (const block of createReadStream(one)) {
      const { value } = await blocks.next();
      if (!Buffer.isBuffer(value) || !value.equals(block)) return false;
    }
    return true;
  } finally {
    await blocks.return?.();
  }
}
