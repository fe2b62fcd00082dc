import type * as z from 'zod';
import type { Fault } from '../source/fault.ts';
import type { SourceNode } from '../source/node.ts';
import type { Source } from '../source/read.ts';
import { nearestKey } from './did-you-mean.ts';

export type FaultPath = readonly (string | number)[];

/** Where a path leads in the source, as far as it exists; a key's place when the key itself is meant. */
function locate(
  source: Source,
  path: FaultPath,
  what: 'value' | 'key' = 'value',
): { start: number; end: number; node: SourceNode } {
  let node = source.root;
  let span: { start: number; end: number } = node;
  for (const [depth, step] of path.entries()) {
    const isLast = depth === path.length - 1;
    if (node.kind === 'map') {
      const entry = entriesOf(node).get(String(step));
      if (entry === undefined) return { ...startOf(span), node };
      span = isLast && what === 'key' ? entry.at : entry.value;
      // An empty value has no text of its own: its key is shown.
      if (span.end <= span.start) span = entry.at;
      node = entry.value;
    } else if (node.kind === 'list') {
      const item = node.items[Number(step)];
      if (item === undefined) return { ...startOf(span), node };
      node = item;
      span = item;
    } else {
      break;
    }
  }
  return { start: span.start, end: span.end, node };
}

type Entries = Extract<SourceNode, { kind: 'map' }>['entries'];

const indexed = new WeakMap<SourceNode, Map<string, Entries[number]>>();

/** By key, the first of doubles: a stranger's file may have ten thousand faults in one group of keys. */
function entriesOf(node: SourceNode & { kind: 'map' }): Map<string, Entries[number]> {
  const known = indexed.get(node);
  if (known !== undefined) return known;
  const made = new Map(node.entries.toReversed().map((entry) => [entry.key, entry]));
  indexed.set(node, made);
  return made;
}

/** What YAML takes for a comment in the line of a text without quotes. */
export function commentBehind(source: Source, path: FaultPath): string | undefined {
  const { text } = source;
  const { start, end } = locate(source, path);
  if (/^['"|>&*!]/.test(text.slice(start, start + 1))) return undefined;
  return /^[ \t]{1,200}(#[^\n]{0,200})/.exec(text.slice(end, end + 400))?.[1];
}

/** A number as it stands in the source; undefined where the path leads to none. */
export function writtenNumber(source: Source, path: FaultPath): string | undefined {
  const { node } = locate(source, path);
  return node.kind === 'scalar' && typeof node.value === 'number' ? node.written : undefined;
}

/** What is wrong with a value, its place left out. */
export type Misfit = Pick<Fault, 'code' | 'message'> & Partial<Pick<Fault, 'allowed' | 'suggestion'>>;

/** A fault at a path of the source. */
export function faultAt(
  source: Source,
  path: FaultPath,
  fault: Misfit,
  what: 'value' | 'key' = 'value',
): Fault {
  const { start, end } = locate(source, path, what);
  const text = (source.text.slice(start, Math.min(end, start + 80)).split('\n')[0] ?? '').trimEnd();
  return { path: renderPath(path), ...source.place(start), text, ...fault };
}

/** Of one kind, so that thousands of faults take no time; nobody reads more. */
export const MAX_JUDGED = 500;

/** zod's issues as faults with their places. */
export function schemaFaults(
  source: Source,
  issues: readonly z.core.$ZodIssue[],
  knownKeys: (path: FaultPath) => readonly string[],
): Fault[] {
  return issues.slice(0, MAX_JUDGED).flatMap((issue) => issueFaults(source, issue, [], knownKeys));
}

function issueFaults(
  source: Source,
  issue: z.core.$ZodIssue,
  under: FaultPath,
  knownKeys: (path: FaultPath) => readonly string[],
): Fault[] {
  const path = [...under, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(path);
    return issue.keys.slice(0, MAX_JUDGED).map((key) => {
      const suggestion = nearestKey(key, known);
      const fault = {
        code: 'unknown-key',
        message: 'there is no such key',
        allowed: known.filter((name) => name !== '$schema').join(', '),
      };
      return faultAt(
        source,
        [...path, key],
        suggestion === undefined ? fault : { ...fault, suggestion },
        'key',
      );
    });
  }
  if (issue.code === 'invalid_key')
    return [
      faultAt(
        source,
        path,
        {
          code: 'bad-key',
          message: 'is not a name that is allowed here',
          allowed: issue.issues[0]?.message ?? '',
        },
        'key',
      ),
    ];
  if (issue.code === 'invalid_union') {
    // The alternative whose kind fits is the one that was meant.
    const meant = issue.errors.find(
      (errors) =>
        errors.length > 0 && errors.every((error) => error.path.length > 0 || error.code !== 'invalid_type'),
    );
    if (meant !== undefined) return meant.flatMap((error) => issueFaults(source, error, path, knownKeys));
  }
  return [valueFault(source, path, issue)];
}

function valueFault(source: Source, path: FaultPath, issue: z.core.$ZodIssue): Fault {
  const { node } = locate(source, path);
  if (isMissing(source, path))
    return faultAt(source, path.slice(0, -1), {
      code: 'missing',
      message: `\`${String(path.at(-1))}\` is missing`,
      allowed: issue.message,
    });
  const isNull = node.kind === 'scalar' && node.value === null;
  const code = isNull
    ? 'null'
    : issue.code === 'invalid_type' || issue.code === 'invalid_union'
      ? 'wrong-type'
      : issue.code === 'too_small' || issue.code === 'too_big'
        ? 'out-of-range'
        : 'bad-value';
  const message = isNull ? 'has no value' : `${shown(node)} is not allowed`;
  return faultAt(source, path, { code, message, allowed: issue.message, ...suggestionFor(node, issue) });
}

function suggestionFor(node: SourceNode, issue: z.core.$ZodIssue): { suggestion?: string } {
  if (issue.code !== 'invalid_value' || node.kind !== 'scalar' || typeof node.value !== 'string') return {};
  const suggestion = nearestKey(node.value, issue.values.map(String));
  return suggestion === undefined ? {} : { suggestion };
}

function isMissing(source: Source, path: FaultPath): boolean {
  const parent = locate(source, path.slice(0, -1)).node;
  return path.length > 0 && parent.kind === 'map' && !entriesOf(parent).has(String(path.at(-1)));
}

function shown(node: SourceNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a group of keys';
  if (typeof node.value === 'string')
    return `the text ${JSON.stringify(node.value.length > 60 ? `${node.value.slice(0, 60)}…` : node.value)}`;
  return String(node.value);
}

/** `inputs[0].from`. */
function renderPath(path: FaultPath): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join('');
}

function startOf(span: { start: number; end: number }): { start: number; end: number } {
  return { start: span.start, end: Math.min(span.end, span.start + 1) };
}
