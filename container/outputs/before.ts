import { hash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, opendir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../experiment/util/clock.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { writeDurably } from '../storage/durable-file.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { readText } from '../util/open-file.ts';
import { ifMissing } from '../util/system-errors.ts';

/** Each look is a round trip on EFS. */
const AT_ONCE = 32;

/** One state of a file's content: a name that is new, or new rights, make no new content. */
export function stampOf({ ino, mtimeNs, size }: BigIntStats): string {
  return hash('sha1', `${ino}:${mtimeNs}:${size}`, 'base64url').slice(0, 12);
}

/**
 * What lay in the tasks' folder before the run's first task: brought as an input, or left in the workspace. It is noted on
 * shared storage at the first begin, so that later attempts and resumes judge by that; of a million files it takes 80 MB.
 */
export class Before {
  readonly #stamps: ReadonlySet<string>;

  constructor(stamps: ReadonlySet<string> = new Set()) {
    this.#stamps = stamps;
  }

  holds(stats: BigIntStats): boolean {
    return this.#stamps.has(stampOf(stats));
  }

  /** Of a path, itself and not what it leads to. */
  readonly laysAt = async (path: string): Promise<boolean> => {
    const stats = await lstat(path, { bigint: true }).catch(() => undefined);
    return stats !== undefined && this.holds(stats);
  };

  /** As it was noted. @throws the file system's errors, also where nothing was noted yet */
  static async read({ before }: Pick<RunFolders, 'before'>): Promise<Before> {
    return new Before(await stampsIn(before));
  }
}

/**
 * Has the inputs brought, and notes what is no result of the run: at its first begin all that lies there then, later what
 * the inputs have written anew.
 * @throws what `bring` throws, and the file system's errors
 */
export async function bringAndNote<T>(
  { before, tasks }: Pick<RunFolders, 'before' | 'tasks'>,
  clock: Clock,
  bring: () => Promise<T>,
): Promise<T> {
  const known = await stampsIn(before).catch(ifMissing(undefined));
  const since = known === undefined ? 0n : await nextTick(`${before}.now`, clock);
  const brought = await bring();
  const noted = known ?? new Set();
  const size = noted.size;
  for await (const path of filesBelow(tasks)) noted.add(path);
  if (known === undefined || noted.size > size) await writeDurably(before, [...noted].join('\n'), 0o644);
  return brought;

  async function* filesBelow(folder: string): AsyncGenerator<string> {
    const found: string[] = [];
    const folders = [folder];
    for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
      const here = at;
      await forEachBounded(await opendir(here, { bufferSize: 256 }), AT_ONCE, async (entry) => {
        const path = join(here, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else {
          const stats = await lstat(path, { bigint: true }).catch(() => undefined);
          if (stats !== undefined && stats.ctimeNs >= since) found.push(stampOf(stats));
        }
      });
      yield* found.splice(0);
    }
  }
}

/** By the storage's own clock, a time after which nothing has been written yet. */
async function nextTick(probe: string, clock: Clock): Promise<bigint> {
  const first = await timeOf(probe);
  let now = first;
  // Ticks are of milliseconds, and of a second or two on old file systems.
  for (let tried = 0; now === first && tried < 500; tried += 1) {
    await clock.sleep(5);
    now = await timeOf(probe);
  }
  await rm(probe, { force: true });
  return now;
}

/** The storage's time now, which a node's own clock may differ from. */
export async function timeOf(probe: string): Promise<bigint> {
  await writeFile(probe, '.');
  return (await stat(probe, { bigint: true })).ctimeNs;
}

async function stampsIn(file: string): Promise<Set<string>> {
  return new Set((await readText(file)).split('\n'));
}
