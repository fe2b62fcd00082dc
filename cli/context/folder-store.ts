import { createReadStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunStore } from './run-store.ts';

/** The bucket of a local system that is not up any more: its files. @param bucket absolute */
export function folderStore(bucket: string): RunStore {
  return {
    text: (key) => orNothing(readFile(join(bucket, key), 'utf8')),
    stream: async (key) => {
      const file = await orNothing(open(join(bucket, key)));
      return file === undefined ? undefined : createReadStream('', { fd: file });
    },
    folders: async (prefix) => {
      const entries = (await orNothing(readdir(join(bucket, prefix), { withFileTypes: true }))) ?? [];
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
  };
}

async function orNothing<Value>(read: Promise<Value>): Promise<Value | undefined> {
  try {
    return await read;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
    throw error;
  }
}
