import { lstat, mkdir, opendir } from 'node:fs/promises';
import { dirname, join, normalize, relative, sep } from 'node:path';
import * as z from 'zod';
import { parseRecord } from '../../experiment/records/fields.ts';
import type { LeftFiles, VersionParts } from '../../experiment/results/versions.ts';
import { MAX_LEFT_NAMED } from '../../experiment/results/versions.ts';
import { writeDurably } from '../storage/durable-file.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { readText } from '../util/open-file.ts';

type Brought = VersionParts['inputs'];

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const broughtRecord = z.array(z.object({ to: z.string().max(4096), sha256 })).max(10_000);

/** Notes what was brought last; a workspace outlives runs. @throws the file system's errors */
export async function noteBrought(folders: RunFolders, inputs: Brought): Promise<void> {
  await mkdir(dirname(folders.brought), { recursive: true });
  await writeDurably(folders.brought, JSON.stringify(inputs), 0o644);
}

/**
 * Files that the archives of last time have brought, that are in none of this time, and that still lie in the tasks'
 * folder: a program that looks what is there finds them. Nothing is told of archives that are no longer unpacked.
 */
export async function filesLeft(folders: RunFolders, inputs: Brought): Promise<LeftFiles> {
  const record = await readText(folders.brought).catch(() => undefined);
  const before = parseRecord(broughtRecord, record) ?? [];
  const names: string[] = [];
  let count = 0;
  for (const old of before) {
    if (inputs.some(({ to, sha256: now }) => now === old.sha256 && normalize(to) === normalize(old.to)))
      continue;
    for await (const path of filesBelow(join(folders.inputs, old.sha256))) {
      const place = join(old.to, path);
      if (!(await isThere(join(folders.tasks, place)))) continue;
      if (await isBroughtBy(folders, inputs, place)) continue;
      count += 1;
      if (names.length < MAX_LEFT_NAMED) names.push(place);
    }
  }
  return { count, names };
}

async function isBroughtBy(
  { inputs: unpacked }: RunFolders,
  inputs: Brought,
  place: string,
): Promise<boolean> {
  for (const { to, sha256: now } of inputs) {
    const below = relative(normalize(`./${to}`), normalize(`./${place}`));
    if (below !== '..' && !below.startsWith(`..${sep}`) && (await isThere(join(unpacked, now, below))))
      return true;
  }
  return false;
}

async function* filesBelow(folder: string, below = ''): AsyncGenerator<string> {
  const entries = await opendir(join(folder, below)).catch(() => []);
  for await (const entry of entries) {
    const path = join(below, entry.name);
    if (entry.isDirectory()) yield* filesBelow(folder, path);
    else yield path;
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
