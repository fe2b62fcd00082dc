import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow, succeeded } from '../../experiment/results/joblog.ts';
import { writeDurably } from '../storage/durable-file.ts';
import { removeCutLine } from './drop-partial-row.ts';
import { allRows, wholeLines } from './joblog-file.ts';

/**
 * What need not run again: tasks whose last row in the joblog on shared storage is a success. Batch's own retry of a job
 * and `resume` both go on from there; what failed runs again, and so does one whose row a crash cut off.
 * @param isNew this run has not begun yet: of the runs it resumes only the rows of successes stay, since GNU parallel takes
 *   any of them for done. Later nothing is taken out any more, so that a reader goes on from its last byte.
 * @returns all rows that are there, in the order in which the tries ended
 */
export async function alreadyDone(
  joblog: string,
  total: number,
  isNew = false,
): Promise<{ done: Set<number>; rows: JoblogRow[] }> {
  await endAtWholeRow(joblog);
  const rows = (await allRows(joblog)).filter(({ seq }) => seq <= total);
  const last = new Map(rows.map((row) => [row.seq, row]));
  const good = [...last.values()].filter(succeeded);
  const done = new Set(good.map(({ seq }) => seq));
  if (!isNew || good.length === rows.length) return { done, rows };
  const kept = new Set(good);
  const stays = rows.map((row) => kept.has(row));
  let at = -1;
  await takeOut(joblog, ({ seq }) => {
    if (seq > total) return false;
    at += 1;
    return stays[at] === false;
  });
  return { done, rows: rows.filter((row) => kept.has(row)) };
}

/**
 * Takes the rows of these sequence numbers out of a joblog for good: their commands read otherwise now. Whoever reads it
 * later (the next attempt, GNU parallel, a salvage) knows only the new list.
 */
export async function forgetRows(joblog: string, seqs: ReadonlySet<number>): Promise<void> {
  for await (const line of wholeLines(joblog))
    if (seqs.has(parseJoblogRow(line.toString())?.seq ?? 0))
      return takeOut(joblog, ({ seq }) => seqs.has(seq));
}

/** Other lines stay as they are, byte for byte. */
async function takeOut(joblog: string, goes: (row: JoblogRow) => boolean): Promise<void> {
  async function* kept(): AsyncGenerator<Buffer> {
    for await (const line of wholeLines(joblog)) {
      const row = parseJoblogRow(line.toString());
      if (row === undefined || !goes(row)) yield Buffer.concat([line, NEWLINE]);
    }
  }
  await writeDurably(joblog, kept(), 0o644);
}

const NEWLINE = Buffer.from('\n');

/** Whoever appends to it goes on behind a whole row. */
async function endAtWholeRow(joblog: string): Promise<void> {
  const file = await open(joblog, 'r+').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return;
  try {
    await removeCutLine(file);
  } finally {
    await file.close();
  }
}
