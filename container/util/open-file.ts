import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

/**
 * Opens a file where tasks write. One of them may have laid a pipe there: to open it would wait without end for somebody to
 * write, in one of the few threads that all reading goes through.
 * @throws the file system's error, and where it is no file
 */
export async function openFile(path: string | Buffer): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path.toString()} is no file`);
}

/** The whole text of such a file. @throws as {@link openFile} */
export async function readText(path: string): Promise<string> {
  const file = await openFile(path);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
