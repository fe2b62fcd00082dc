import { readdir } from 'node:fs/promises';
import { ifMissing } from './system-errors.ts';

/** Names in a folder; of one that is not there, none. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(ifMissing([]));
}
