import type { Ending } from '../../records/ending.ts';
import { endingWords } from '../../records/ending.ts';
import { tellingLine } from './telling-line.ts';

const LONGEST = 200;

/**
 * `exit 2: seed # is not allowed`, `signal 9 (KILL)`: how failed tasks are told apart, by how they ended and the line of stderr
 * that says what went wrong, but for its numbers. Tasks with the same signature are shown as one group.
 */
export function failureSignature(ending: Ending, stderrTail = ''): string {
  const line = foldedLine(stderrTail);
  return line === '' ? endingWords(ending) : `${endingWords(ending)}: ${line}`;
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
