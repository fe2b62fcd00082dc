import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Another local system keeps its runs in this folder. */
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
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && UNUSABLE.includes(code)
    ? `runs are kept in ${folder}, which cannot be used: ${String(error)}`
    : undefined;
}

/**
 * Makes the folder this process's own, by a socket in Linux's abstract namespace that is named after it: the kernel gives
 * it back however the process dies, so no stale lock has to be told from a live one. @throws FolderInUse
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex')
    .slice(0, 32);
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new FolderInUse(
              `another sierra-batch is at work in ${folder}; wait until it has ended, or stop it`,
            )
          : error,
      );
    });
    server.listen(`\0sierra-batch-${name}`, () => resolve());
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}
