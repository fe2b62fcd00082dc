import { createReadStream } from 'node:fs';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isOfNetwork } from '../errors/explain-aws-error.ts';
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

/** What a local system serves, and once it does not answer any more, the files that it has left. */
export function whileItAnswers(served: RunStore, left: RunStore): RunStore {
  let store = served;
  const ask = async <Answer>(question: (of: RunStore) => Promise<Answer>): Promise<Answer> => {
    try {
      return await question(store);
    } catch (error) {
      if (store === left || !(error instanceof Error && isOfNetwork(error))) throw error;
      store = left;
      return question(store);
    }
  };
  return {
    text: (key) => ask((of) => of.text(key)),
    stream: (key) => ask((of) => of.stream(key)),
    folders: (prefix) => ask((of) => of.folders(prefix)),
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
