import { plainLine, withoutTerminalCodes } from '../text/terminal-codes.ts';

/** How failed tasks are told apart: by exit code or signal, and the last line of stderr but for its numbers. */
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
  const line = foldedLastLine(stderrTail ?? '');
  return line === '' ? ending : `${ending}: ${line}`;
}

/** `exit 2`; a task that reached its time limit ends with 124, as `timeout` does. */
export function exitWords(exitval: number): string {
  return exitval === 124 ? 'exit 124 (time limit)' : `exit ${exitval}`;
}

/** How what stands in place of a task's own words begins, where another task wrote over them. */
export const NOT_KEPT = '(not kept: ';

/** How bash begins a message about the script of a task, whose name differs from task to task. */
const BASH_SAYS = /^\S*\/par-job-\w+: line \d+: /;
/** Its last word about a program that a signal ended: the exit code says so, and the program's own words are better. */
const OBITUARY = /(?:^|\n)\S*\/par-job-\w+: line \d+: +\d+ [A-Z][^\n]*$/;

const HEX = '[0-9a-f]';
/**
 * Hexadecimal numbers: `0x…`, a hash, a UUID (16 digits or more, in groups joined by dashes). No text matches in two ways:
 * with a dash that may be missing between groups, 128 digits are cut in more ways than can be tried.
 */
const HEX_NUMBER = new RegExp(
  String.raw`0x${HEX}+|\b(?:${HEX}{16,}|${HEX}{12,}-${HEX}{4,}|${HEX}{8}-${HEX}{8,}|${HEX}{8}-${HEX}{4,}-${HEX}{4,})(?:-${HEX}{4,})*\b`,
  'gi',
);

/** A line as bash would write it had the task been typed: without the path and the line of its script, which say nothing to anybody. */
export function asBashSays(line: string): string {
  return line.replace(BASH_SAYS, 'bash: ');
}

/**
 * The last line that says something, with what differs from task to task folded: hexadecimal and decimal numbers
 * become `#`, runs of blanks one blank, and at most 200 characters are kept.
 */
function foldedLastLine(text: string): string {
  const end = withoutTerminalCodes(text.slice(-64 * 1024))
    .trimEnd()
    .replace(OBITUARY, '')
    .trimEnd();
  const line = end.slice(Math.max(end.lastIndexOf('\n'), end.lastIndexOf('\r')) + 1);
  return asBashSays(plainLine(line.slice(0, 4 * LONGEST)))
    .replaceAll(HEX_NUMBER, '#')
    .replaceAll(/\d+(?:[.,]\d+)*/g, '#')
    .slice(0, LONGEST)
    .toWellFormed();
}
