import { plainLine } from '../text/terminal-codes.ts';

/** How one failed try ended. */
export interface LastLine {
  seq: number;
  exitval: number;
  signal: number;
  /** The line of stderr that says what went wrong, empty where it said nothing; undefined where nobody has read it. */
  line: string | undefined;
}

export const LAST_LINES_HEADER = 'Seq\tExitval\tSignal\tLine';
const LONGEST_BYTES = 200;
/** Of the whole file. */
export const MAX_LAST_LINES_BYTES = 64 * 1024 * 1024;

/** One line of `last-lines.tsv`, without its newline; where stderr was not read the last column is missing. */
export function renderLastLine({ seq, exitval, signal, line }: LastLine): string {
  const words = line === undefined ? [] : [shortened(plainLine(line))];
  return [seq, exitval, signal, ...words].join('\t');
}

/** The last of each sequence number. What is no such line is passed over. */
export function parseLastLines(text: string): Map<number, LastLine> {
  const lines = new Map<number, LastLine>();
  for (const row of text.split('\n')) {
    const match = /^(\d{1,10})\t(\d{1,3})\t(\d{1,3})(?:\t([^\t]*))?$/.exec(row);
    if (match === null) continue;
    const [seq = 0, exitval = 0, signal = 0] = match.slice(1, 4).map(Number);
    lines.set(seq, { seq, exitval, signal, line: match[4] === undefined ? undefined : plainLine(match[4]) });
  }
  return lines;
}

function shortened(line: string): string {
  let short = line.replaceAll('\t', ' ').slice(0, LONGEST_BYTES);
  while (Buffer.byteLength(short) > LONGEST_BYTES) short = short.slice(0, -1);
  return short.toWellFormed();
}
