import { stat } from 'node:fs/promises';
import { ifMissing } from './system-errors.ts';

/** True where something can be reached at a path; what cannot be looked at counts as not there. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The same, where not to know would do harm. @throws the file system's errors but that of a path that leads nowhere */
export async function isSurelyThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, ifMissing(false));
}
