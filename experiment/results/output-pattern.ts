import picomatch from 'picomatch';
import { SET_ASIDE } from './whole-runs.ts';

/** Any number of folders, also none. */
const ANY_DEPTH = '**';

/** How far a path has come in a pattern: the parts that may come next. */
export type Reach = readonly number[];

/**
 * True where one of `outputs` names the path: the runner sends such files, and only such come to where a person works,
 * whatever a task has put into the index of what was sent.
 */
export function areNamed(outputs: readonly string[]): (path: string) => boolean {
  const patterns = outputs.flatMap((output) => [new OutputPattern(output), new OutputPattern(output, true)]);
  return (path) => {
    // What SIERRA's runs were set aside as lies beside them, under the same names.
    const beside = path.split('/').map((name) => (name === SET_ASIDE ? 'exp-outputs' : name));
    return patterns.some((pattern) => pattern.covers(path) || pattern.covers(beside.join('/')));
  };
}

/**
 * What one entry of `outputs` names, as a shell reads it: `*`, `?`, `[a-z]`, `{a,b}` within a name, `**` over folders;
 * none of them names what begins with a dot. A folder that is named stands for all that lies below it.
 */
export class OutputPattern {
  /** Of a literal name its text. */
  readonly #parts: readonly (string | RegExp)[];
  readonly hasWildcards: boolean;

  /** @param asItStands where nothing matched: then the signs may be a name's own */
  constructor(path: string, asItStands = false) {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    // What a shell lists at the end of `results/**` is all that `results/**/*` names.
    if (!asItStands && names.at(-1) === ANY_DEPTH) names.push('*');
    this.#parts = names.map((name) =>
      asItStands || name === ANY_DEPTH || !picomatch.scan(name).isGlob ? name : picomatch.makeRe(name),
    );
    this.hasWildcards =
      !asItStands && this.#parts.some((part) => part === ANY_DEPTH || part instanceof RegExp);
  }

  start(): Reach {
    return this.#withoutFolders([0]);
  }

  /** One name further; empty where nothing below it can be meant. */
  step(reach: Reach, name: string): Reach {
    const next = reach.flatMap((at) => {
      const part = this.#parts[at];
      if (this.#isAnyDepth(at)) return name.startsWith('.') ? [] : [at];
      return (part instanceof RegExp ? part.test(name) : part === name) ? [at + 1] : [];
    });
    return this.#withoutFolders(next);
  }

  /** The path itself is named, and with it all below. */
  isWhole(reach: Reach): boolean {
    return reach.includes(this.#parts.length);
  }

  /** The only name that may come next; undefined where there are several. */
  onlyName(reach: Reach): string | undefined {
    const [at = 0] = reach;
    const part = reach.length === 1 && !this.#isAnyDepth(at) ? this.#parts[at] : undefined;
    return typeof part === 'string' ? part : undefined;
  }

  /** There is no bound to the depth of what may be named below. */
  goesDeep(reach: Reach): boolean {
    return reach.some((at) => at === this.#parts.length || this.#isAnyDepth(at));
  }

  /** @param path relative, of a file */
  covers(path: string): boolean {
    // Where all is named, what is hidden is not.
    if (this.#parts.length === 0) return !path.startsWith('.');
    let reach = this.start();
    for (const name of path.split('/')) {
      if (this.isWhole(reach)) return true;
      reach = this.step(reach, name);
      if (reach.length === 0) return false;
    }
    return this.isWhole(reach);
  }

  #isAnyDepth(at: number): boolean {
    return this.hasWildcards && this.#parts[at] === ANY_DEPTH;
  }

  #withoutFolders(reach: Reach): Reach {
    const all = new Set(reach);
    for (const at of all) if (this.#isAnyDepth(at)) all.add(at + 1);
    return [...all];
  }
}
