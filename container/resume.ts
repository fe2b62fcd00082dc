import { readFile } from 'node:fs/promises';
import type { JoblogRow } from '../experiment/joblog.ts';
import { parseJoblog, succeeded } from '../experiment/joblog.ts';

/**
 * What need not run again: tasks whose last row in the joblog on shared storage is a success. Batch's own retry of a job
 * and `resume` both go on from there; what failed runs again, and so does a command that reads otherwise now.
 */
export async function alreadyDone(
  joblog: string,
  total: number,
  changed: ReadonlySet<number>,
): Promise<{ done: Set<number>; rows: JoblogRow[] }> {
  const text = await readFile(joblog, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const rows = parseJoblog(text).filter((row) => row.seq <= total && succeeded(row) && !changed.has(row.seq));
  return { done: new Set(rows.map((row) => row.seq)), rows };
}
