import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder is another system's, another user's, or no folder at all. */
export class FolderInUse extends Error {
  override readonly name = 'FolderInUse';
}

/** ENOENT too: that is what Node calls a folder that cannot be made where nothing may be written. */
const UNUSABLE = [
  'EACCES',
  'EDQUOT',
  'EEXIST',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
];

/** In a sentence, why no local system can be kept in this folder; undefined for an error that does not come from it. */
export function folderTrouble(error: unknown, folder: string): string | undefined {
  if (error instanceof FolderInUse) return error.message;
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  const path = 'path' in error ? String(error.path) : folder;
  // A file that is missed elsewhere is none of it; what is in the way may be in a folder above.
  const isOfIt = path.startsWith(folder) || folder.startsWith(path);
  return isOfIt && UNUSABLE.includes(error.code)
    ? `runs are kept in ${folder}, which cannot be used: ${String(error)}`
    : undefined;
}

/** EAGAIN, with which `flock` says that another has the lock. */
const TAKE = 'open my $f, "+<&=", 3 or exit 2; exit(flock($f, 6) ? 0 : $! == 11 ? 1 : 2)';

/**
 * Makes the folder this process's own, by a lock on a file in it that nobody else may open. The kernel gives it back
 * however the process dies: perl locks the file that is open here, and the lock stays until this process closes it.
 * @throws FolderInUse
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'lock');
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const { status, error } = spawnSync('perl', ['-e', TAKE], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (status === 0) return async () => closeSync(file);
  closeSync(file);
  if (status === 1)
    throw new FolderInUse(
      `another sierra-batch is at work in ${folder}; \`sierra-batch run FILE\` hands it a manifest, or wait until it has ended`,
    );
  throw error ?? new Error(`${path} cannot be locked on this file system`);
}

/**
 * Makes a folder that only its owner can look into: manifests, results and task tokens are not for all on a machine.
 * @throws FolderInUse when it is somebody else's, who could read and steer all of it
 */
export async function makeOwnFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { uid } = await stat(folder);
  if (uid !== process.getuid?.())
    throw new FolderInUse(`${folder} belongs to the user with the id ${uid}; start in a folder of your own`);
  await chmod(folder, 0o700);
}
