import { parseTemplate } from './command-template.ts';
import type { Matrix } from './matrix.ts';
import { countCombinations, countValues, valueAt } from './matrix.ts';

/** Commands in their frozen order, made one at a time: a million of them take no more memory than one. */
export interface CommandList {
  total: number;
  /** Iterable again and again. */
  lines: Iterable<string>;
}

/** The kernel's limit of one argument, less the final NUL. */
export const MOST_COMMAND_BYTES = 128 * 1024 - 1;
/** GNU parallel ends the whole run over ssh at about 63,660 bytes: its own quoting comes on top. */
export const MOST_STOCK_COMMAND_BYTES = 63_000;
/** All commands together, newlines included: what ingest can write and node 0 can index in reasonable time. */
export const MOST_LIST_BYTES = 1024 ** 3;

/** Every combination in the order of the matrix's keys, the last key changing fastest. */
export function expandTemplate(template: string, matrix: Matrix): CommandList {
  const parts = parseTemplate(template);
  const axes = Object.entries(matrix).map(([key, values]) => ({ key, values, count: countValues(values) }));
  const total = countCombinations(matrix);
  return {
    total,
    lines: {
      *[Symbol.iterator]() {
        const at = new Array<number>(axes.length).fill(0);
        for (let made = 0; made < total; made += 1) {
          const value = new Map(axes.map(({ key, values }, axis) => [key, valueAt(values, at[axis] ?? 0)]));
          yield parts.map((part) => ('text' in part ? part.text : (value.get(part.key) ?? ''))).join('');
          for (let axis = axes.length - 1; axis >= 0; axis -= 1) {
            const next = (at[axis] ?? 0) + 1;
            at[axis] = next === axes[axis]?.count ? 0 : next;
            if (at[axis] !== 0) break;
          }
        }
      },
    },
  };
}

export interface CommandSizes {
  total: number;
  /** With a newline behind each command. */
  bytes: number;
  /** Sequence numbers (from 1) of the first commands over the limit, and what one of them has. */
  tooLong: { seq: number; bytes: number }[];
}

/** Measures a list without keeping it. Stops early once it is over {@link MOST_LIST_BYTES}. */
export function measureCommands(lines: Iterable<string>, mostBytes: number): CommandSizes {
  const sizes: CommandSizes = { total: 0, bytes: 0, tooLong: [] };
  for (const line of lines) {
    const bytes = Buffer.byteLength(line);
    sizes.total += 1;
    sizes.bytes += bytes + 1;
    if (bytes > mostBytes && sizes.tooLong.length < 5) sizes.tooLong.push({ seq: sizes.total, bytes });
    if (sizes.bytes > MOST_LIST_BYTES) break;
  }
  return sizes;
}
