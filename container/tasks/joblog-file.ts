import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { JOBLOG_HEADER, parseJoblogRow } from '../../experiment/results/joblog.ts';
import { openFile } from '../util/open-file.ts';

/**
 * Every row, in the order in which the tries ended; none where there is no file. Read as a stream: a million long commands
 * are more than one string may hold.
 */
export async function allRows(path: string): Promise<JoblogRow[]> {
  const rows: JoblogRow[] = [];
  for await (const line of wholeLines(path)) {
    const row = parseJoblogRow(line.toString());
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** The final row of each sequence number, in the order of first appearance. */
export async function finalRows(path: string): Promise<JoblogRow[]> {
  return [...new Map((await allRows(path)).map((row) => [row.seq, row])).values()];
}

/** The lines of a joblog as bytes, without their newlines; one that a crash cut off is left out. */
export async function* wholeLines(path: string): AsyncGenerator<Buffer> {
  let rest = '';
  try {
    // latin1 keeps bytes as they are, whatever a block cuts in two.
    for await (const chunk of (await openFile(path)).createReadStream({ encoding: 'latin1' })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield Buffer.from(line, 'latin1');
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

/** A whole joblog of these rows, each without its newline. */
export function joblogBytes(rows: readonly string[]): Buffer {
  const lines = [JOBLOG_HEADER, ...rows];
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0));
  let at = 0;
  for (const line of lines) {
    at += bytes.write(line, at);
    at += bytes.write('\n', at);
  }
  return bytes;
}
