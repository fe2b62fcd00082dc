import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow, succeeded } from '../../experiment/results/joblog.ts';
import { writeDurably } from '../storage/durable-file.ts';
import { ifMissing } from '../util/system-errors.ts';
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
  const all = await allRows(joblog);
  const rows = all.filter(({ seq }) => seq <= total);
  const last = new Map(rows.map((row) => [row.seq, row]));
  const good = [...last.values()].filter(succeeded);
  const done = new Set(good.map(({ seq }) => seq));
  if (!isNew || good.length === rows.length) return { done, rows };
  const kept = new Set(good);
  await renumberRows(joblog, ({ seq }, at) => {
    const row = all[at];
    return seq > total || (row !== undefined && kept.has(row)) ? seq : undefined;
  });
  return { done, rows: rows.filter((row) => kept.has(row)) };
}

/**
 * Gives the rows of a joblog the numbers that their tasks have now, and takes those without one out for good: whoever reads
 * it later (the next attempt, GNU parallel, a salvage) knows only the new list. `seqOf` gets each row with its place among
 * the rows, from 0. Answers how many it took out.
 */
export async function renumberRows(
  joblog: string,
  seqOf: (row: JoblogRow, at: number) => number | undefined,
): Promise<number> {
  let changed = 0;
  let removed = 0;
  for await (const { row, seq } of numbered()) {
    if (seq !== row?.seq) changed += 1;
    if (row !== undefined && seq === undefined) removed += 1;
  }
  if (changed > 0) await writeDurably(joblog, renumbered(), 0o644);
  return removed;

  async function* numbered() {
    let at = 0;
    for await (const line of wholeLines(joblog)) {
      const row = parseJoblogRow(line.toString());
      yield { line, row, seq: row && seqOf(row, at) };
      if (row !== undefined) at += 1;
    }
  }

  async function* renumbered(): AsyncGenerator<Buffer> {
    for await (const { line, row, seq } of numbered()) {
      if (row === undefined) yield Buffer.concat([line, NEWLINE]);
      // The rest byte for byte: a command may be no UTF-8.
      else if (seq !== undefined)
        yield Buffer.concat([Buffer.from(String(seq)), line.subarray(line.indexOf(TAB)), NEWLINE]);
    }
  }
}

const TAB = '\t';
const NEWLINE = Buffer.from('\n');

/** Whoever appends to it goes on behind a whole row. */
async function endAtWholeRow(joblog: string): Promise<void> {
  const file = await open(joblog, 'r+').catch(ifMissing(undefined));
  if (file === undefined) return;
  try {
    await removeCutLine(file);
  } finally {
    await file.close();
  }
}
