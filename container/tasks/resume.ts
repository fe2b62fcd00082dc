import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow, succeeded } from '../../experiment/results/joblog.ts';
import { writeDurably } from '../storage/durable-file.ts';
import { removeCutLine } from './drop-partial-row.ts';
import { finalRows, wholeLines } from './joblog-file.ts';

/**
 * What need not run again: tasks whose last row in the joblog on shared storage is a success. Batch's own retry of a job
 * and `resume` both go on from there; what failed runs again, and so does one whose row a crash cut off.
 */
export async function alreadyDone(
  joblog: string,
  total: number,
): Promise<{ done: Set<number>; rows: JoblogRow[] }> {
  await endAtWholeRow(joblog);
  const rows = (await finalRows(joblog)).filter((row) => row.seq <= total && succeeded(row));
  return { done: new Set(rows.map((row) => row.seq)), rows };
}

/**
 * Takes the rows of these sequence numbers out of a joblog for good: their commands read otherwise now. Whoever reads it
 * later (the next attempt, GNU parallel, a salvage) knows only the new list.
 */
export async function forgetRows(joblog: string, seqs: ReadonlySet<number>): Promise<void> {
  const isOne = (line: Buffer) => seqs.has(parseJoblogRow(line.toString())?.seq ?? 0);
  let found = false;
  for await (const line of wholeLines(joblog)) found ||= isOne(line);
  if (!found) return;
  async function* kept(): AsyncGenerator<Buffer> {
    for await (const line of wholeLines(joblog)) if (!isOne(line)) yield Buffer.concat([line, NEWLINE]);
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
