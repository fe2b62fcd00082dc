import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The first of these programs in the folders of a PATH: by name first, then by folder. */
export function findOnPath(names: readonly string[], path: string | undefined): string | undefined {
  return names
    .flatMap((name) => (path ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
