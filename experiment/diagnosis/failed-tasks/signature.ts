import { tellingLine } from './telling-line.ts';

/** How failed tasks are told apart: by exit code or signal, and the line of stderr that says what went wrong, but for its numbers. */
export interface FailedTask {
  exitval: number;
  signal: number;
  /** Undefined when nobody has read it. */
  stderrTail?: string | undefined;
}

const LONGEST = 200;
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  4: 'ILL',
  6: 'ABRT',
  7: 'BUS',
  8: 'FPE',
  9: 'KILL',
  11: 'SEGV',
  13: 'PIPE',
  15: 'TERM',
  24: 'XCPU',
};

/**
 * `exit 2: seed # is not allowed`, `signal 9 (KILL)`. Tasks with the same signature are shown as one group. GNU
 * parallel writes a signal as 128 + n over ssh and in a column of its own when local: both give the same text.
 */
export function failureSignature({ exitval, signal, stderrTail }: FailedTask): string {
  const number = signal > 0 ? signal : exitval > 128 && exitval - 128 in SIGNALS ? exitval - 128 : 0;
  const name = SIGNALS[number];
  const ending =
    number === 0 ? exitWords(exitval) : `signal ${number}${name === undefined ? '' : ` (${name})`}`;
  const line = foldedLine(stderrTail ?? '');
  return line === '' ? ending : `${ending}: ${line}`;
}

/** `exit 2`; a task that reached its time limit ends with 124, as `timeout` does. */
export function exitWords(exitval: number): string {
  return exitval === 124 ? 'exit 124 (time limit)' : `exit ${exitval}`;
}

/** How what stands in place of a task's own words begins, where another task wrote over them. */
export const NOT_KEPT = '(not kept: ';

const HEX = '[0-9a-f]';
/**
 * Hexadecimal numbers: `0x…`, a hash, a UUID (16 digits or more, in groups joined by dashes). No text matches in two ways:
 * with a dash that may be missing between groups, 128 digits are cut in more ways than can be tried.
 */
const HEX_NUMBER = new RegExp(
  String.raw`0x${HEX}+|\b(?:${HEX}{16,}|${HEX}{12,}-${HEX}{4,}|${HEX}{8}-${HEX}{8,}|${HEX}{8}-${HEX}{4,}-${HEX}{4,})(?:-${HEX}{4,})*\b`,
  'gi',
);

/** The line that says what went wrong, with what differs from task to task folded: numbers become `#`; at most 200 characters. */
function foldedLine(text: string): string {
  return tellingLine(text)
    .replaceAll(HEX_NUMBER, '#')
    .replaceAll(/\d+(?:[.,]\d+)*/g, '#')
    .slice(0, LONGEST)
    .toWellFormed();
}
