import { open } from 'node:fs/promises';
import type { JoblogRow } from '../experiment/joblog.ts';
import { parseJoblog, parseJoblogRow, succeeded } from '../experiment/joblog.ts';
import { writeDurably } from './durable-file.ts';
import { removeCutLine } from './fan-out/cut-line.ts';

/**
 * What need not run again: tasks whose last row in the joblog on shared storage is a success. Batch's own retry of a job
 * and `resume` both go on from there; what failed runs again, and so does one whose row a crash cut off.
 */
export async function alreadyDone(
  joblog: string,
  total: number,
): Promise<{ done: Set<number>; rows: JoblogRow[] }> {
  const rows = parseJoblog(await wholeRows(joblog, 'utf8')).filter(
    (row) => row.seq <= total && succeeded(row),
  );
  return { done: new Set(rows.map((row) => row.seq)), rows };
}

/**
 * Takes the rows of these sequence numbers out of a joblog for good: their commands read otherwise now. Whoever reads it
 * later (the next attempt, GNU parallel, a salvage) knows only the new list.
 */
export async function forgetRows(joblog: string, seqs: ReadonlySet<number>): Promise<void> {
  // Byte by byte: commands may hold anything.
  const lines = (await wholeRows(joblog, 'latin1')).split('\n');
  const kept = lines.filter((line) => !seqs.has(parseJoblogRow(line)?.seq ?? 0));
  if (kept.length < lines.length) await writeDurably(joblog, Buffer.from(kept.join('\n'), 'latin1'), 0o644);
}

async function wholeRows(joblog: string, encoding: 'utf8' | 'latin1'): Promise<string> {
  const file = await open(joblog, 'r+').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return '';
  try {
    await removeCutLine(file);
    return await file.readFile(encoding);
  } finally {
    await file.close();
  }
}
