import type { Dirent, Stats } from 'node:fs';
import { lstat, opendir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { messageOf } from '../../aws/errors.ts';
import type { Reach } from '../../experiment/results/output-pattern.ts';
import { OutputPattern } from '../../experiment/results/output-pattern.ts';

/** Whether something lay there before the run began, itself and not what it leads to. */
export type LayThere = (path: string) => Promise<boolean>;

/** What lies at an output. `name` is relative to the tasks' folder, `file` absolute and no link. */
export type Found =
  | { kind: 'file'; name: string; file: string }
  /** The output itself is a folder: there, even when it is empty. */
  | { kind: 'folder' }
  /** It can be looked at by nobody, or leads out. */
  | { kind: 'unread'; name: string; why: string };

/** Locks and marks that the runner keeps beside what tasks write. */
const OURS = '.sierra-batch';

interface Folder {
  name: string;
  path: string;
  reach: Reach;
}

/**
 * What one entry of `outputs` names, file by file. A link that leads inside is followed under its own name; of folders
 * each is walked once, and where it really lies before where a link leads, so that no circle has an end to be found.
 * @param root the tasks' folder, without links
 * @param layThere of links that cannot be followed: those that are not the run's own are none of its results
 */
export async function* findOutputs(root: string, output: string, layThere: LayThere): AsyncGenerator<Found> {
  const pattern = new OutputPattern(output);
  let any = false;
  for await (const found of new Search(root, pattern, layThere).all()) {
    any = true;
    yield found;
  }
  if (!any && pattern.hasWildcards) yield* new Search(root, new OutputPattern(output, true), layThere).all();
}

class Search {
  readonly #root: string;
  readonly #pattern: OutputPattern;
  readonly #layThere: LayThere;
  readonly #folders: Folder[] = [];
  readonly #linked: Folder[] = [];
  /** Real folders below which all has been seen. */
  readonly #seen = new Set<string>();

  constructor(root: string, pattern: OutputPattern, layThere: LayThere) {
    this.#root = root;
    this.#pattern = pattern;
    this.#layThere = layThere;
  }

  async *all(): AsyncGenerator<Found> {
    yield* this.#enter({ name: '', path: this.#root, reach: this.#pattern.start() }, false);
    for (;;) {
      const folder = this.#folders.pop() ?? this.#nextLinked();
      if (folder === undefined) return;
      yield* this.#walk(folder);
    }
  }

  #nextLinked(): Folder | undefined {
    for (let linked = this.#linked.shift(); linked !== undefined; linked = this.#linked.shift()) {
      if (this.#isSeen(linked.path)) continue;
      this.#seen.add(linked.path);
      return linked;
    }
    return undefined;
  }

  async *#walk({ name, path, reach }: Folder): AsyncGenerator<Found> {
    try {
      const only = this.#pattern.onlyName(reach);
      if (only !== undefined) {
        const found = await lstat(join(path, only)).catch(() => undefined);
        if (found !== undefined) yield* this.#look({ name, path, reach }, only, found);
        return;
      }
      for await (const entry of await opendir(path, { bufferSize: 256 }))
        yield* this.#look({ name, path, reach }, entry.name, entry);
    } catch (error) {
      yield { kind: 'unread', name, why: whyUnread(path, error) };
    }
  }

  async *#look(parent: Folder, entry: string, found: Dirent | Stats): AsyncGenerator<Found> {
    // Where all is named, what is hidden is not: `fetch` would not bring it either.
    const isMeant = parent.name !== '' || !this.#pattern.isWhole(parent.reach) || !entry.startsWith('.');
    if (entry === OURS || !isMeant) return;
    const isBelow = this.#pattern.isWhole(parent.reach);
    const reach = isBelow ? parent.reach : this.#pattern.step(parent.reach, entry);
    if (reach.length === 0) return;
    const name = parent.name === '' ? entry : `${parent.name}/${entry}`;
    const path = join(parent.path, entry);
    if (found.isSymbolicLink()) yield* this.#follow({ name, path, reach }, isBelow);
    else if (found.isDirectory()) yield* this.#enter({ name, path, reach }, isBelow);
    else if (found.isFile() && this.#pattern.isWhole(reach)) yield { kind: 'file', name, file: path };
    // Sockets, FIFOs and devices hold nothing.
  }

  *#enter(folder: Folder, isBelow: boolean): Generator<Found> {
    if (!isBelow && this.#pattern.isWhole(folder.reach)) yield { kind: 'folder' };
    // What a link leads into may hold what has been seen where it really lies.
    if (this.#seen.has(folder.path)) return;
    if (!isBelow && this.#pattern.goesDeep(folder.reach) && !this.#isSeen(folder.path))
      this.#seen.add(folder.path);
    this.#folders.push(folder);
  }

  async *#follow({ name, path, reach }: Folder, isBelow: boolean): AsyncGenerator<Found> {
    const isNamed = this.#pattern.isWhole(reach);
    // An output that is itself a link to nowhere is missing; what lies below one is told.
    const isTold = isNamed && (isBelow || this.#pattern.hasWildcards);
    try {
      const real = await realpath(path);
      if (real !== this.#root && !real.startsWith(this.#root + sep)) {
        if (isTold) yield* this.#unread(name, path, `a link that leads out of the tasks’ folder, to ${real}`);
        return;
      }
      // It holds the link itself, and would never end.
      if (path.startsWith(real + sep)) return;
      const found = await stat(real);
      if (found.isFile() && isNamed) yield { kind: 'file', name, file: real };
      if (!found.isDirectory()) return;
      if (isNamed && !isBelow) yield { kind: 'folder' };
      const folder = { name, path: real, reach };
      if (this.#pattern.goesDeep(reach)) this.#linked.push(folder);
      else this.#folders.push(folder);
    } catch (error) {
      const target = await readlink(path).catch(() => undefined);
      const why = target === undefined ? whyUnread(path, error) : `a link to ${target}, which is not there`;
      if (isTold) yield* this.#unread(name, path, why);
    }
  }

  async *#unread(name: string, path: string, why: string): AsyncGenerator<Found> {
    if (!(await this.#layThere(path))) yield { kind: 'unread', name, why };
  }

  #isSeen(path: string): boolean {
    for (let at = path; at.length > this.#root.length; at = at.slice(0, at.lastIndexOf(sep)))
      if (this.#seen.has(at)) return true;
    return this.#seen.has(this.#root);
  }
}

/** Names that are no UTF-8 are not found under what they were read as. */
export function whyUnread(path: string, error: unknown): string {
  const why =
    error instanceof Error && error.name !== 'Error' ? `${error.name}: ${error.message}` : messageOf(error);
  return path.includes('\uFFFD') ? `its name is not UTF-8, as S3 has it: ${why}` : why;
}
