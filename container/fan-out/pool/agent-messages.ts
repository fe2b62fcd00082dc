import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import type { FanoutNode } from '../fan-out.ts';

/** What node 0 and the group runners on the nodes say to each other. See `group.pl`. */

/** Consecutive commands of the frozen list and where their lines lie in its file. */
interface CommandRange {
  first: number;
  count: number;
  offset: number;
  length: number;
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
    ...ranges.map(({ first, count, offset, length }) => `${first}.${count}.${offset}.${length}`),
  ].join('_');
}

export type NodeMessage =
  | { kind: 'ready' }
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
    }
  | { kind: 'given-back'; group: number; seq: number }
  | { kind: 'end'; group: number }
  /** The group runner died; what it had under way may still run. */
  | { kind: 'crashed'; group: number }
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
  R: /^R (\d+) (\d+) (\d+\.\d+) (\d+\.\d+) (\d+) (\d+) (\d+) (\d+\.\d+)$/,
  G: /^G (\d+) (\d+)$/,
  E: /^E (\d+)$/,
  X: /^X (\d+)_/,
  F: /^F (\d+) (.*)$/,
};

/** One line from a node; undefined for anything else, which is shown in the log. */
export function parseNodeMessage(line: string): NodeMessage | undefined {
  if (line === 'ready') return { kind: 'ready' };
  const match = FORMS[line.charAt(0)]?.exec(line);
  if (match === null || match === undefined) return undefined;
  const number = (index: number) => Number(match[index]);
  const group = number(1);
  switch (line.charAt(0)) {
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
      };
    case 'G':
      return { kind: 'given-back', group, seq: number(2) };
    case 'E':
      return { kind: 'end', group };
    case 'X':
      return { kind: 'crashed', group };
    default:
      return { kind: 'failed', group, message: match[2] ?? '' };
  }
}
