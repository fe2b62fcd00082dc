import { MAX_COMMANDS } from '../commands/matrix.ts';
import { boundedLines } from '../text/bounded-lines.ts';

/**
 * GNU parallel's joblog: its own columns and header, tab separated. The Command column is raw (it may hold tabs),
 * so a row is split at the first eight tabs only. Each try has a row, in the order in which they ended (GNU parallel itself
 * writes the last try of a task only): the last row of a sequence number is final.
 */
export interface JoblogRow {
  /** From 1, the command's line number in the frozen list. */
  seq: number;
  /** As GNU parallel writes it: the sshlogin's host. */
  host: string;
  /** Seconds since the epoch. */
  startTime: number;
  /** Seconds. */
  runtime: number;
  send: number;
  receive: number;
  exitval: number;
  /** Of a task ended by a signal over ssh this is 0 and `exitval` 128 + signal; local GNU parallel says 0 and signal. */
  signal: number;
  command: string;
}

export const JOBLOG_HEADER = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand';

/** True for a row of a task that did what it was asked to. */
export function succeeded(row: Pick<JoblogRow, 'exitval' | 'signal'>): boolean {
  return row.exitval === 0 && row.signal === 0;
}

/** One line, without its newline. Times with GNU parallel's three decimals, runtime right-aligned to ten as it does. */
export function renderJoblogRow(row: JoblogRow): string {
  return [
    row.seq,
    row.host,
    row.startTime.toFixed(3),
    row.runtime.toFixed(3).padStart(10),
    row.send,
    row.receive,
    row.exitval,
    row.signal,
    row.command,
  ].join('\t');
}

/** One line of a joblog, or undefined for a header, a blank line or a line cut off in the middle. */
export function parseJoblogRow(line: string): JoblogRow | undefined {
  const cells = splitAtFirstTabs(line, 8);
  if (cells.length !== 9) return undefined;
  const [seq, host = '', startTime, runtime, send, receive, exitval, signal, command = ''] = cells;
  const numbers = [seq, startTime, runtime, send, receive, exitval, signal].map(toNumber);
  if (numbers.some((number) => number === undefined)) return undefined;
  const [seqNumber = 0, start = 0, run = 0, sent = 0, received = 0, exit = 0, sig = 0] = numbers;
  if (!Number.isInteger(seqNumber) || seqNumber < 1) return undefined;
  return {
    seq: seqNumber,
    host,
    startTime: start,
    runtime: run,
    send: sent,
    receive: received,
    exitval: exit,
    signal: sig,
    command,
  };
}

/** A command has at most 128 KiB, in up to four bytes a character. */
const MAX_ROW_LENGTH = 640 * 1024;
const MAX_HOST_LENGTH = 255;
const MAX_JOBLOG_BYTES = 8 * 1024 ** 3;
/** A million commands, each tried ten times: columns of so many fit into a function. */
const MAX_ROWS = 10 * MAX_COMMANDS;

/**
 * Rows as they come. Tasks can write here: a line that no command gives, or a number that no list has, is no row, and there
 * is an end to what is read.
 */
export async function* streamedRows(
  chunks: AsyncIterable<Uint8Array> | undefined,
  mostRows = MAX_ROWS,
): AsyncGenerator<JoblogRow> {
  let rows = 0;
  for await (const line of boundedLines(chunks, {
    most: MAX_ROW_LENGTH,
    whole: true,
    bytes: MAX_JOBLOG_BYTES,
  })) {
    const row = parseJoblogRow(line);
    if (row === undefined || row.seq > MAX_COMMANDS || row.host.length > MAX_HOST_LENGTH) continue;
    rows += 1;
    if (rows > mostRows) return;
    yield row;
  }
}

/**
 * Every row, in the order in which the tries ended. A last line without a newline was cut by a crash and is left out: what
 * has no full row runs again.
 */
export function joblogRows(text: string): JoblogRow[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole.split('\n').flatMap((line) => parseJoblogRow(line) ?? []);
}

/** The final row of each sequence number, in the order of first appearance. */
export function parseJoblog(text: string): JoblogRow[] {
  return [...new Map(joblogRows(text).map((row) => [row.seq, row])).values()];
}

/** A whole joblog with header and final newline. */
export function renderJoblog(rows: Iterable<JoblogRow>): string {
  let text = `${JOBLOG_HEADER}\n`;
  for (const row of rows) text += `${renderJoblogRow(row)}\n`;
  return text;
}

function splitAtFirstTabs(line: string, tabs: number): string[] {
  const cells: string[] = [];
  let from = 0;
  while (cells.length < tabs) {
    const tab = line.indexOf('\t', from);
    if (tab === -1) break;
    cells.push(line.slice(from, tab));
    from = tab + 1;
  }
  cells.push(line.slice(from));
  return cells;
}

function toNumber(cell: string | undefined): number | undefined {
  const text = (cell ?? '').trim();
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}
