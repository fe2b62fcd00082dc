import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import type { FanoutNode } from '../fan-out.ts';

/** What node 0 and the group runners on the nodes say to each other. See `group.pl`. */

/** Consecutive commands of the frozen list and where their lines lie in its file. */
interface CommandRange {
  first: number;
  count: number;
  offset: number;
  length: number;
  /** The how manieth try of each of them, from 1. */
  tried: number;
}

export interface Group {
  /** Unique within the pool. */
  id: number;
  ranges: readonly CommandRange[];
  /** Milliseconds after which tasks that have not begun come back. */
  budgetMs: number;
  /** Milliseconds after which they come back when no slot was free. */
  patienceMs: number;
  /** Milliseconds that one task may take; 0 for no limit. */
  limitMs: number;
}

/** A group as one line for GNU parallel, without a character that its shell quoting would touch. */
export function renderGroup({ id, budgetMs, patienceMs, limitMs, ranges }: Group): string {
  return [
    id,
    budgetMs,
    patienceMs,
    limitMs,
    ...ranges.map(
      ({ first, count, offset, length, tried }) => `${first}.${count}.${offset}.${length}.${tried}`,
    ),
  ].join('_');
}

export type NodeMessage =
  | { kind: 'ready' }
  /** Its agent says why it cannot be used. */
  | { kind: 'unusable'; message: string }
  /** Told of a task that is not over at once, or of which its row tells. */
  | { kind: 'started'; group: number; seq: number }
  /** The end of what a task that failed wrote to stderr; its row follows. */
  | { kind: 'said'; group: number; seq: number; text: string }
  | {
      kind: 'row';
      group: number;
      seq: number;
      startTime: number;
      runtime: number;
      exitval: number;
      signal: number;
      bytes: number;
      /** Seconds that it took to open its files. */
      opening: number;
      /** Processes that it started, that left its session, and that run on. */
      left: number;
      /** The kernel killed on this node while it ran, because memory was used up. */
      isOutOfMemory: boolean;
    }
  | { kind: 'given-back'; group: number; seq: number }
  | { kind: 'end'; group: number }
  /** The group runner died; what it had under way may still run. */
  | { kind: 'crashed'; group: number }
  /** This node cannot start tasks: no processes, no room on its own disk. It has given back what it had not begun. */
  | { kind: 'unfit'; group: number; message: string }
  /** The folder that tasks start in is gone since that task; 0 where it is not known which. */
  | { kind: 'removed'; group: number; seq: number }
  | { kind: 'failed'; group: number; message: string };

export type Row = Extract<NodeMessage, { kind: 'row' }>;

/** A row as GNU parallel's joblog has it, in node 0's time. */
export function joblogRow(row: Row, node: FanoutNode, command: string): JoblogRow {
  const { seq, runtime, exitval, signal } = row;
  const startTime = row.startTime - (node.clockAheadSeconds ?? 0);
  return {
    seq,
    host: node.address,
    startTime,
    runtime,
    send: 0,
    receive: row.bytes,
    exitval,
    signal,
    command,
  };
}

const FORMS: Readonly<Record<string, RegExp>> = {
  U: /^U (.*)$/,
  S: /^S (\d+) (\d+)$/,
  L: /^L (\d+) (\d+) (.*)$/,
  R: /^R (\d+) (\d+) (\d+\.\d+) (\d+\.\d+) (\d+) (\d+) (\d+) (\d+\.\d+) (\d+) ([01])$/,
  G: /^G (\d+) (\d+)$/,
  E: /^E (\d+)$/,
  X: /^X (\d+)_/,
  N: /^N (\d+) (.*)$/,
  D: /^D (\d+) (\d+)$/,
  F: /^F (\d+) (.*)$/,
};

/** One line from a node; undefined for anything else, which is shown in the log. */
export function parseNodeMessage(line: string): NodeMessage | undefined {
  if (line === 'ready') return { kind: 'ready' };
  const match = FORMS[line.charAt(0)]?.exec(line);
  if (match === null || match === undefined) return undefined;
  const text = (index: number) => match[index] ?? '';
  const number = (index: number) => Number(match[index]);
  const group = number(1);
  switch (line.charAt(0)) {
    case 'U':
      return { kind: 'unusable', message: text(1) };
    case 'S':
      return { kind: 'started', group, seq: number(2) };
    case 'L':
      return { kind: 'said', group, seq: number(2), text: unescaped(text(3)) };
    case 'R':
      return {
        kind: 'row',
        group,
        seq: number(2),
        startTime: number(3),
        runtime: number(4),
        exitval: number(5),
        signal: number(6),
        bytes: number(7),
        opening: number(8),
        left: number(9),
        isOutOfMemory: text(10) === '1',
      };
    case 'G':
      return { kind: 'given-back', group, seq: number(2) };
    case 'E':
      return { kind: 'end', group };
    case 'X':
      return { kind: 'crashed', group };
    case 'N':
      return { kind: 'unfit', group, message: text(2) };
    case 'D':
      return { kind: 'removed', group, seq: number(2) };
    default:
      return { kind: 'failed', group, message: text(2) };
  }
}

const SIGNS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' };

function unescaped(text: string): string {
  return text.replaceAll(/\\([nrt\\])/g, (_, sign: string) => SIGNS[sign] ?? '');
}
