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
 * Gives the rows of a joblog the numbers that their tasks have now, and takes those without one out for good: whoever reads
 * it later (the next attempt, GNU parallel, a salvage) knows only the new list. Answers how many it took out.
 */
export async function renumberRows(
  joblog: string,
  seqOf: (row: JoblogRow) => number | undefined,
): Promise<number> {
  let changed = 0;
  let removed = 0;
  for await (const line of wholeLines(joblog)) {
    const row = parseJoblogRow(line.toString());
    const seq = row && seqOf(row);
    if (seq !== row?.seq) changed += 1;
    if (row !== undefined && seq === undefined) removed += 1;
  }
  if (changed === 0) return 0;
  async function* renumbered(): AsyncGenerator<Buffer> {
    for await (const line of wholeLines(joblog)) {
      const row = parseJoblogRow(line.toString());
      const seq = row && seqOf(row);
      if (row === undefined) yield Buffer.concat([line, NEWLINE]);
      // The rest byte for byte: a command may be no UTF-8.
      else if (seq !== undefined)
        yield Buffer.concat([Buffer.from(String(seq)), line.subarray(line.indexOf(TAB)), NEWLINE]);
    }
  }
  await writeDurably(joblog, renumbered(), 0o644);
  return removed;
}

const TAB = '\t';
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
