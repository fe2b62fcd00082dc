import type { Ending } from '../records/ending.ts';
import { endingWords, namedEnding } from '../records/ending.ts';
import { plainLine } from '../text/terminal-codes.ts';
import type { JoblogRow } from './joblog.ts';

/** How one failed try ended. */
interface LastLine {
  seq: number;
  /** As in the joblog's row of the same try. */
  startTime: number;
  /** Undefined where the joblog's row says it. */
  ending: Ending | undefined;
  /** The line of stderr that says what went wrong, empty where it said nothing; undefined where nobody has read it. */
  line: string | undefined;
}

export const LAST_LINES_HEADER = 'Seq\tStarttime\tEnd\tLine';
const LONGEST_BYTES = 200;
/** Of the whole file. */
export const MAX_LAST_LINES_BYTES = 64 * 1024 * 1024;

/** One line of `last-lines.tsv`, without its newline; where stderr was not read the last column is missing. */
export function renderLastLine(
  { seq, startTime }: Pick<LastLine, 'seq' | 'startTime'>,
  ending: Ending,
  line: string | undefined,
): string {
  const words = line === undefined ? [] : [shortened(plainLine(line))];
  return [seq, startTime.toFixed(3), endingWords(ending), ...words].join('\t');
}

/** In the order in which the tries ended. What is no such line is passed over. */
export function* lastLines(text: string): Generator<LastLine> {
  let from = 0;
  while (from < text.length) {
    const newline = text.indexOf('\n', from);
    const to = newline === -1 ? text.length : newline;
    const match = /^(\d{1,10})\t(\d{1,15}\.\d{3})\t([^\t]{1,40})(?:\t([^\t]*))?$/.exec(text.slice(from, to));
    from = to + 1;
    if (match === null) continue;
    const [, seq, startTime, ending = '', line] = match;
    yield {
      seq: Number(seq),
      startTime: Number(startTime),
      ending: namedEnding(ending),
      line: line === undefined ? undefined : plainLine(line),
    };
  }
}

/** How tries ended whose rows do not say it. */
export class NotedEndings {
  readonly #noted = new Map<string, Ending>();

  add({ seq, startTime, ending }: LastLine): void {
    if (ending !== undefined) this.#noted.set(keyOf(seq, startTime), ending);
  }

  of({ seq, startTime }: Pick<JoblogRow, 'seq' | 'startTime'>): Ending | undefined {
    return this.#noted.size === 0 ? undefined : this.#noted.get(keyOf(seq, startTime));
  }
}

function keyOf(seq: number, startTime: number): string {
  return `${seq} ${startTime.toFixed(3)}`;
}

function shortened(line: string): string {
  let short = line.replaceAll('\t', ' ').slice(0, LONGEST_BYTES);
  while (Buffer.byteLength(short) > LONGEST_BYTES) short = short.slice(0, -1);
  return short.toWellFormed();
}
