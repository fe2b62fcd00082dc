import { createHash } from 'node:crypto';
import type { Matrix } from './matrix.ts';
import { axisOf } from './matrix.ts';

type Value = string | number | boolean;

/** Parameters beside a template: every part is crossed with all others. */
export interface DesignParts {
  matrix?: Matrix | undefined;
  /** Lists of one length: their first values belong together, their second ones, and so on. */
  zip?: Readonly<Record<string, readonly Value[]>> | undefined;
  /** Combinations that have all of these values are left out. */
  exclude?: readonly Readonly<Record<string, Value>>[] | undefined;
  replicates?: number | undefined;
}

/** Of `exclude`. */
export const MAX_EXCLUDED = 100;
export const MAX_REPLICATES = 10_000;
export const REPLICATE_KEYS: readonly string[] = ['replicate', 'replicateSeed'];

/** Keys whose values go together, each row made when it is asked for; `index` from 0. */
interface Rows {
  keys: readonly string[];
  count: number;
  at(index: number): readonly string[];
}

/** What a template comes to without a command being made. */
export interface Sizes {
  total: number;
  /** Of all together. */
  bytes: number;
  /** An upper bound where some are excluded. */
  longest: number;
}

/**
 * All combinations of a design: rows of a table (which is read by somebody else), then of `zip`, the keys of `matrix`,
 * and `replicates`, the last changing fastest.
 */
export class Design {
  readonly keys: readonly string[];
  readonly #columns: readonly string[];
  readonly #axes: readonly Rows[];
  readonly #exclusions: Exclusions;
  #known: readonly (readonly bigint[] | undefined)[] | undefined;

  /** @param name of the manifest, for the seeds of replicates @param columns of the table, where there is one */
  constructor(parts: DesignParts, name: string, columns: readonly string[] = []) {
    this.#columns = columns;
    this.#axes = axesOf(parts, name);
    this.keys = [...columns, ...this.#axes.flatMap(({ keys }) => keys)];
    const known = new Set(this.keys);
    // What names a key that nothing has matches nothing.
    const exclude = (parts.exclude ?? []).filter((entry) =>
      Object.keys(entry).every((key) => known.has(key)),
    );
    this.#exclusions = new Exclusions(exclude);
  }

  /** With those that are left out; of one row of the table, where there is one. */
  get whole(): number {
    return this.#axes.some(({ count }) => count === 0)
      ? 0
      : this.#axes.reduce((product, { count }) => product * count, 1);
  }

  /** Keys with one value, whatever the combination. */
  fixed(): ReadonlyMap<string, string> {
    const single = this.#axes.filter(({ count }) => count === 1);
    return new Map(
      single.flatMap((axis) => axis.keys.map((key, at): [string, string] => [key, axis.at(0)[at] ?? ''])),
    );
  }

  /** Values in the order of `keys`, in the same array each time. @param cells of a row of the table */
  *combinations(cells: readonly string[] = []): Generator<readonly string[]> {
    if (this.whole === 0) return;
    const values = [...cells];
    const axes = this.#axes.map((rows, index) => {
      const put = (at: number) => {
        const mask = this.#masks()[index]?.[at] ?? this.#exclusions.all;
        for (const [offset, value] of rows.at(at).entries()) values[place + offset] = value;
        return mask;
      };
      const place = values.push(...rows.keys.map(() => '')) - rows.keys.length;
      return { count: rows.count, at: 0, put };
    });
    const moving = axes.filter(({ count }) => count > 1);
    /** Entries of `exclude` that are still possible before each moving axis, and behind the last. */
    const left = [this.#exclusions.of(this.#columns, cells), ...moving.map(() => 0n)];
    for (const axis of axes) if (axis.count === 1) left[0] = (left[0] ?? 0n) & axis.put(0);
    for (let depth = 0; depth >= 0; ) {
      for (; depth < moving.length; depth += 1) {
        const axis = moving[depth];
        left[depth + 1] = (left[depth] ?? 0n) & (axis?.put(axis.at) ?? 0n);
      }
      if (left[depth] === 0n) yield values;
      for (depth -= 1; depth >= 0; depth -= 1) {
        const axis = moving[depth];
        if (axis === undefined) return;
        axis.at = (axis.at + 1) % axis.count;
        if (axis.at !== 0) break;
      }
    }
  }

  /** @param bytesOf a value of a key, in all its places */
  measure(bytesOf: (key: string, value: string) => number): Sizes {
    const sizes: Sizes = { total: this.whole, bytes: 0, longest: 0 };
    const bytes = this.#axes.map(({ keys, count, at }) =>
      Float64Array.from({ length: count }, (_, index) =>
        at(index).reduce((sum, value, place) => sum + bytesOf(keys[place] ?? '', value), 0),
      ),
    );
    for (const axis of bytes) {
      let longest = 0;
      let sum = 0;
      for (const one of axis) {
        longest = Math.max(longest, one);
        sum += one;
      }
      sizes.longest += longest;
      if (axis.length > 0) sizes.bytes += sum * (sizes.total / axis.length);
    }
    if (this.#exclusions.all !== 0n) this.#takeExcluded(sizes, bytes);
    return sizes;
  }

  /** Enters only where something is left out. */
  #takeExcluded(sizes: Sizes, bytes: readonly Float64Array[]): void {
    const all = this.#masks();
    const enter = (depth: number, mask: bigint, sum: number): void => {
      const axis = this.#axes[depth];
      if (axis === undefined) {
        sizes.total -= 1;
        sizes.bytes -= sum;
        return;
      }
      const masks = all[depth];
      for (let index = 0; index < axis.count; index += 1) {
        const left = masks === undefined ? mask : mask & (masks[index] ?? 0n);
        if (left !== 0n) enter(depth + 1, left, sum + (bytes[depth]?.[index] ?? 0));
      }
    };
    enter(0, this.#exclusions.all, 0);
  }

  /** For each axis; undefined where nothing that is left out names a key of it. */
  #masks(): readonly (readonly bigint[] | undefined)[] {
    this.#known ??= this.#axes.map((axis) => this.#exclusions.ofAxis(axis));
    return this.#known;
  }
}

function axesOf({ matrix = {}, zip, replicates }: DesignParts, name: string): Rows[] {
  const axes: Rows[] = [];
  if (zip !== undefined) {
    const lists = Object.values(zip);
    axes.push({
      keys: Object.keys(zip),
      count: lists[0]?.length ?? 0,
      at: (index) => lists.map((values) => String(values[index])),
    });
  }
  for (const [key, values] of Object.entries(matrix)) {
    const axis = axisOf(values);
    axes.push({ keys: [key], count: axis.count, at: (index) => [axis.at(index)] });
  }
  if (replicates !== undefined) {
    const seeds = replicateSeeds(name, replicates);
    axes.push({
      keys: REPLICATE_KEYS,
      count: replicates,
      at: (index) => [String(index + 1), String(seeds[index])],
    });
  }
  return axes;
}

/**
 * From the name and the number alone, so that they are the same for every combination and when a run is resumed. From 1
 * to 2³¹ − 1, which fits what seeds are held in; no two of a name are the same.
 */
export function replicateSeeds(name: string, count: number): number[] {
  const seeds = new Set<number>();
  for (let number = 1; number <= count; number += 1)
    for (let tried = 0; seeds.size < number; tried += 1) {
      const hash = createHash('sha256').update(`${name}/${number}/${tried}`).digest();
      const seed = hash.readUInt32BE() & 0x7fffffff;
      if (seed > 0) seeds.add(seed);
    }
  return [...seeds];
}

/** A bit for each entry of `exclude`: what is still set once all keys are looked at leaves a combination out. */
class Exclusions {
  readonly all: bigint;
  readonly #entries: readonly Readonly<Record<string, Value>>[];

  constructor(entries: readonly Readonly<Record<string, Value>>[]) {
    this.#entries = entries;
    this.all = (1n << BigInt(entries.length)) - 1n;
  }

  /** Entries that these values leave possible. */
  of(keys: readonly string[], values: readonly string[]): bigint {
    return keys.reduce((mask, key, at) => mask & this.#byValue(key)(values[at] ?? ''), this.all);
  }

  /** The same for each row; undefined where no entry names a key of it. */
  ofAxis({ keys, count, at }: Rows): bigint[] | undefined {
    if (!this.#entries.some((entry) => keys.some((key) => Object.hasOwn(entry, key)))) return undefined;
    const masks = keys.map((key) => this.#byValue(key));
    return Array.from({ length: count }, (_, index) =>
      at(index).reduce((mask, value, place) => mask & (masks[place]?.(value) ?? 0n), this.all),
    );
  }

  readonly #known = new Map<string, (value: string) => bigint>();

  #byValue(key: string): (value: string) => bigint {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    let silent = 0n;
    const naming = new Map<string, bigint>();
    for (const [index, entry] of this.#entries.entries()) {
      const bit = 1n << BigInt(index);
      if (!Object.hasOwn(entry, key)) silent |= bit;
      else naming.set(String(entry[key]), (naming.get(String(entry[key])) ?? 0n) | bit);
    }
    const made = (value: string) => silent | (naming.get(value) ?? 0n);
    this.#known.set(key, made);
    return made;
  }
}
