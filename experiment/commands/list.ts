import type { Design, Sizes } from './design.ts';
import type { Context } from './quote.ts';
import { quoted } from './quote.ts';
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

/** Every combination of a design, in its order. */
export function expandTemplate(template: string, design: Design): CommandList {
  const { total, bytes } = measureTemplate(template, design);
  return { total, bytes, lines: { [Symbol.iterator]: commandMaker(template, design) } };
}

/** Commands that are written out. */
export function writtenList(commands: readonly string[]): CommandList {
  const bytes = commands.reduce((sum, command) => sum + Buffer.byteLength(command) + 1, 0);
  return { total: commands.length, bytes, lines: commands };
}

/** Makes commands one by one: all, or with a table those of one row, whose cells it takes. */
export function commandMaker(
  template: string,
  design: Design,
): (cells?: readonly string[]) => Generator<string> {
  // Keys with one value only are text: whoever has a thousand of them pays for them once.
  const fixed = design.fixed();
  const places = new Map(design.keys.map((key, place) => [key, place]));
  const parts = parseTemplate(template).map((part) => {
    if ('text' in part) return part.text;
    const value = fixed.get(part.key);
    return value === undefined ? { place: places.get(part.key) ?? -1, as: part.as } : written(value, part.as);
  });
  return function* (cells) {
    for (const values of design.combinations(cells)) {
      let line = '';
      for (const part of parts)
        line += typeof part === 'string' ? part : written(values[part.place] ?? '', part.as);
      yield line;
    }
  };
}

function written(value: string, as: Context | 'raw'): string {
  return as === 'raw' ? value : quoted(value, as);
}

/** What a template comes to, without making one command: the longest has the longest value of every key. */
export interface TemplateSizes extends Sizes {
  /** Values to be put in their places, over all commands; empty ones take time as well. */
  values: number;
}

/** Time grows with the template, the values of each key and what is left out, never with the combinations. */
export function measureTemplate(template: string, design: Design): TemplateSizes {
  /** How often each key stands in each kind of place. */
  const uses = new Map<string, Map<Context | 'raw', number>>();
  let text = 0;
  let used = 0;
  for (const part of parseTemplate(template)) {
    if ('key' in part) {
      const places = uses.get(part.key) ?? new Map<Context | 'raw', number>();
      uses.set(part.key, places.set(part.as, (places.get(part.as) ?? 0) + 1));
      used += 1;
    } else text += Buffer.byteLength(part.text);
  }
  const { total, bytes, longest } = design.measure((key, value) => {
    let sum = 0;
    for (const [as, times] of uses.get(key) ?? []) sum += times * Buffer.byteLength(written(value, as));
    return sum;
  });
  return { total, bytes: bytes + total * (text + 1), longest: longest + text, values: used * total };
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
