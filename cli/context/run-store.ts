import type { Readable } from 'node:stream';
import { CommandFailed } from '../errors/failure.ts';

/** The bucket as far as a reader needs it. Undefined stands for an object that is not there. */
export interface RunStore {
  text(key: string): Promise<string | undefined>;
  stream(key: string): Promise<Readable | undefined>;
  /** Names of the folders right under a prefix, without slashes. */
  folders(prefix: string): Promise<string[]>;
}

/** A record of the bucket, by its schema. @throws CommandFailed for one that somebody else has written over */
export async function readRecord<Value>(
  store: RunStore,
  key: string,
  parse: (stored: string) => Value | undefined,
): Promise<Value | undefined> {
  const text = await store.text(key);
  if (text === undefined) return undefined;
  const parsed = parse(text);
  if (parsed === undefined)
    throw new CommandFailed(`${key} is not what sierra-batch wrote there: a task may have written over it`);
  return parsed;
}
