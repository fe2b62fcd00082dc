import * as z from 'zod';
import { parsedJson } from '../util/parse-json.ts';
import type { Cell } from './cells.ts';
import { csvCells } from './cells.ts';

/** Where a manifest says that a task's results stand. */
export interface ResultsPlan {
  from: 'json' | 'csv' | 'stdout';
  /** Relative to the tasks' folder, with `{key}` for each parameter and `{task}` for the number; absent of stdout. */
  path?: string;
  /** The fields that are wanted; all single values when absent. */
  fields?: readonly string[];
}

/** Of the end of a file so much is looked at. */
export const MAX_RESULT_BYTES = 1024 * 1024;
export const MAX_RESULT_FIELDS = 200;
const LONGEST_TEXT = 1000;
/** One line of `results.jsonl`. */
export const MAX_RESULT_LINE = 512 * 1024;
/** Of the whole file. */
export const MAX_RESULTS_BYTES = 1024 ** 3;

const value = z.union([z.string().max(LONGEST_TEXT), z.number(), z.boolean(), z.null()]);
/** It heads a column: one that has line ends could pass for rows of ours. */
const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u);
const line = z.tuple([
  z.int().min(1),
  z.record(name, value).refine((fields) => Object.keys(fields).length <= MAX_RESULT_FIELDS),
]);

/** What one task has as its results, by field. */
export type ResultFields = Readonly<Record<string, Cell>>;

export function renderResultLine(seq: number, fields: ResultFields): string {
  return `${JSON.stringify([seq, fields])}\n`;
}

/** Undefined for what is no such line. */
export function parseResultLine(text: string): { seq: number; fields: ResultFields } | undefined {
  const { data } = line.safeParse(parsedJson(text));
  return data && { seq: data[0], fields: data[1] };
}

/** The path of a task's results. A value with `..` leads nowhere else than its task could have led itself. */
export function resultPath(
  path: string,
  keys: readonly string[],
  { seq, values }: { seq: number; values: readonly string[] },
): string {
  return path.replaceAll(/\{([A-Za-z_]\w*)\}/g, (whole, key: string) => {
    const at = keys.indexOf(key);
    return at === -1 ? (key === 'task' ? String(seq) : whole) : (values[at] ?? '');
  });
}

/**
 * The fields of a task's results: of JSON an object (of stdout its last line that is one), of CSV the header's names with
 * the last row. Undefined where it is none.
 */
export function resultFields(text: string, { from, fields: wanted }: ResultsPlan): ResultFields | undefined {
  const found = from === 'csv' ? lastRow(text) : from === 'json' ? parsedJson(text) : lastObject(text);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
  const fields: Record<string, Cell> = {};
  const names = wanted ?? Object.keys(found);
  for (const each of names.slice(0, MAX_RESULT_FIELDS)) {
    const cell = cellOf(field(found, each));
    if (cell !== undefined && name.safeParse(each).success) fields[each] = cell;
  }
  return fields;
}

/** `stats.mean` is a field by that name, or `mean` within `stats`. */
function field(value: object, path: string): unknown {
  if (Object.hasOwn(value, path)) return Reflect.get(value, path);
  return path
    .split('.')
    .reduce<unknown>(
      (inner, step) =>
        typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
          ? Reflect.get(inner, step)
          : undefined,
      value,
    );
}

function cellOf(value: unknown): Cell | undefined {
  if (typeof value === 'string') return value.slice(0, LONGEST_TEXT).toWellFormed();
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : undefined;
}

function lastObject(text: string): unknown {
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  return parsedJson(last) ?? parsedJson(text);
}

/** Numbers stay texts: the table's column says what they are. */
function lastRow(text: string): Record<string, string> | undefined {
  const lines = text
    .split('\n')
    .map((each) => each.replace(/\r$/, ''))
    .filter((each) => each !== '');
  const [head, last] = [lines[0], lines.at(-1)];
  if (head === undefined || last === undefined || lines.length < 2) return undefined;
  const [names = [], values = []] = [head, last].map((each) => csvCells(each).map((cell) => cell.trim()));
  if (names.length !== values.length) return undefined;
  // pandas writes its index under no name.
  return Object.fromEntries(
    names.map((each, at) => [each, values[at] ?? '']).filter(([each]) => each !== ''),
  );
}
