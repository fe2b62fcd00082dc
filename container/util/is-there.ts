import { stat } from 'node:fs/promises';

/** True where something can be reached at a path; what cannot be looked at counts as not there. */
export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
