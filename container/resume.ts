import { open } from 'node:fs/promises';
import type { JoblogRow } from '../experiment/joblog.ts';
import { parseJoblog, succeeded } from '../experiment/joblog.ts';
import { removeCutLine } from './fan-out/cut-line.ts';

/**
 * What need not run again: tasks whose last row in the joblog on shared storage is a success. Batch's own retry of a job
 * and `resume` both go on from there; what failed runs again, and so does a command that reads otherwise now, and one whose
 * row a crash cut off.
 */
export async function alreadyDone(
  joblog: string,
  total: number,
  changed: ReadonlySet<number>,
): Promise<{ done: Set<number>; rows: JoblogRow[] }> {
  const rows = parseJoblog(await wholeRows(joblog)).filter(
    (row) => row.seq <= total && succeeded(row) && !changed.has(row.seq),
  );
  return { done: new Set(rows.map((row) => row.seq)), rows };
}

async function wholeRows(joblog: string): Promise<string> {
  const file = await open(joblog, 'r+').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return '';
  try {
    await removeCutLine(file);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
