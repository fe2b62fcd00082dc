import type { Axis, Matrix } from './matrix.ts';
import { axisOf, countCombinations } from './matrix.ts';
import type { Context } from './quote.ts';
import { quoted } from './quote.ts';
import type { TemplatePart } from './template.ts';
import { parseTemplate } from './template.ts';

/** Commands in their frozen order, made one at a time: a million of them take no more memory than one. */
export interface CommandList {
  total: number;
  /** With a newline behind each command. */
  bytes: number;
  /** Iterable again and again. */
  lines: Iterable<string>;
}

/** The kernel's limit of one argument, less the final NUL. */
export const MAX_COMMAND_BYTES = 128 * 1024 - 1;
/** GNU parallel ends the whole run over ssh at about 63,660 bytes: its own quoting comes on top. */
export const MAX_STOCK_COMMAND_BYTES = 63_000;
/** All commands together, newlines included: what ingest can write and node 0 can index in reasonable time. */
export const MAX_LIST_BYTES = 1024 ** 3;

/** What files made on Windows have and nobody sees: the task would get it, as a part of its first or its last word. */
export const FROM_WINDOWS = {
  byteOrderMark:
    'it begins with a byte order mark, which would belong to the first command; save it as UTF-8 without one',
  lineEnd: (line: number) =>
    `line ${line} ends with CR LF, and the CR would belong to its command; save it with LF alone at the ends of lines`,
} as const;

/** Every combination in the order of the matrix's keys, the last key changing fastest. */
export function expandTemplate(template: string, matrix: Matrix): CommandList {
  const total = countCombinations(matrix);
  const { bytes } = measureTemplate(template, matrix);
  const axes = Object.entries(matrix).map(([key, values]) => ({ key, axis: axisOf(values) }));
  const lines = { [Symbol.iterator]: () => combinations(parseTemplate(template), axes, total) };
  return { total, bytes, lines };
}

/** Commands that are written out. */
export function writtenList(commands: readonly string[]): CommandList {
  const bytes = commands.reduce((sum, command) => sum + Buffer.byteLength(command) + 1, 0);
  return { total: commands.length, bytes, lines: commands };
}

function* combinations(
  template: readonly TemplatePart[],
  all: readonly { key: string; axis: Axis }[],
  total: number,
): Generator<string> {
  // Keys with one value only are text: whoever has a thousand of them pays for them once.
  const fixed = new Map(all.filter(({ axis }) => axis.count === 1).map(({ key, axis }) => [key, axis.at(0)]));
  const axes = all.filter(({ axis }) => axis.count > 1);
  const places = new Map(axes.map(({ key }, place) => [key, place]));
  const parts = template.map((part) =>
    'text' in part
      ? part.text
      : places.has(part.key)
        ? { place: places.get(part.key) ?? 0, as: part.as }
        : written(fixed.get(part.key) ?? '', part.as),
  );
  const at = axes.map(() => 0);
  const values = axes.map(({ axis }) => axis.at(0));
  for (let made = 0; made < total; made += 1) {
    let line = '';
    for (const part of parts)
      line += typeof part === 'string' ? part : written(values[part.place] ?? '', part.as);
    yield line;
    for (let place = axes.length - 1; place >= 0; place -= 1) {
      const axis = axes[place]?.axis;
      if (axis === undefined) break;
      const next = ((at[place] ?? 0) + 1) % axis.count;
      at[place] = next;
      values[place] = axis.at(next);
      if (next !== 0) break;
    }
  }
}

function written(value: string, as: Context | 'raw'): string {
  return as === 'raw' ? value : quoted(value, as);
}

/** What a template comes to, without making one command: the longest has the longest value of every key. */
export interface TemplateSizes {
  /** Of the longest command. */
  longest: number;
  /** Of all, with a newline behind each. */
  bytes: number;
  /** Values to be put in their places, over all commands; empty ones take time as well. */
  values: number;
}

/** Time grows with the template and the values of each key, never with their combinations. */
export function measureTemplate(template: string, matrix: Matrix): TemplateSizes {
  const total = countCombinations(matrix);
  /** How often each key stands in each kind of place. */
  const uses = new Map<string, Map<Context | 'raw', number>>();
  const sizes = { longest: 0, bytes: total, values: 0 };
  for (const part of parseTemplate(template)) {
    if ('key' in part) {
      const places = uses.get(part.key) ?? new Map<Context | 'raw', number>();
      uses.set(part.key, places.set(part.as, (places.get(part.as) ?? 0) + 1));
    } else sizes.longest += Buffer.byteLength(part.text);
  }
  sizes.bytes += sizes.longest * total;
  for (const [key, values] of Object.entries(matrix)) {
    const axis = axisOf(values);
    let longest = 0;
    let sum = 0;
    const places = [...(uses.get(key) ?? [])];
    for (let index = 0; places.length > 0 && index < axis.count; index += 1) {
      const value = axis.at(index);
      const bytes = places.reduce((all, [as, used]) => all + used * Buffer.byteLength(written(value, as)), 0);
      longest = Math.max(longest, bytes);
      sum += bytes;
    }
    sizes.longest += longest;
    sizes.values += places.reduce((all, [, used]) => all + used, 0) * total;
    if (axis.count > 0) sizes.bytes += sum * (total / axis.count);
  }
  return sizes;
}

export interface CommandSizes {
  total: number;
  /** With a newline behind each command. */
  bytes: number;
  /** Sequence numbers (from 1) of the first commands over the limit, and what one of them has. */
  tooLong: { seq: number; bytes: number }[];
}

/** Measures a list without keeping it. Stops early once it is over {@link MAX_LIST_BYTES}. */
export function measureCommands(lines: Iterable<string>, mostBytes: number): CommandSizes {
  const sizes: CommandSizes = { total: 0, bytes: 0, tooLong: [] };
  for (const line of lines) {
    const bytes = Buffer.byteLength(line);
    sizes.total += 1;
    sizes.bytes += bytes + 1;
    if (bytes > mostBytes && sizes.tooLong.length < 5) sizes.tooLong.push({ seq: sizes.total, bytes });
    if (sizes.bytes > MAX_LIST_BYTES) break;
  }
  return sizes;
}
