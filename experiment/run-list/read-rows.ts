import { runKeys } from '../layout/bucket-keys.ts';
import { isOutcome } from '../records/outcome.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../records/progress.ts';
import { MAX_STATUS_BYTES, parseStatus } from '../records/status.ts';
import { MAX_SUMMARY_BYTES, parseSummary } from '../records/summary.ts';
import { forEachBounded } from '../util/for-each-limit.ts';
import type { RunRow } from './row.ts';
import { asRunRow, runRow } from './row.ts';

/** The text of an object of the bucket up to its bound, or undefined. */
type ReadText = (key: string, maxBytes: number) => Promise<string | undefined>;

/**
 * A row for each run of which anything is known, in no order, by its own records.
 * @param atOnce runs that are read at once
 */
export async function readRunRows(
  read: ReadText,
  runIds: readonly string[],
  atOnce: number,
): Promise<RunRow[]> {
  const rows: RunRow[] = [];
  await forEachBounded(runIds, atOnce, async (runId) => {
    const row = await readRow(read, runId);
    if (row !== undefined) rows.push(row);
  });
  return rows;
}

async function readRow(read: ReadText, runId: string): Promise<RunRow | undefined> {
  const keys = runKeys(runId);
  const known = parseStatus(await read(keys.status, MAX_STATUS_BYTES));
  if (known === undefined) return undefined;
  const figures = isOutcome(known.state)
    ? { summary: parseSummary(await read(keys.summary, MAX_SUMMARY_BYTES)) }
    : { progress: parseProgress(await read(keys.progress, MAX_PROGRESS_BYTES)) };
  return asRunRow(runRow({ ...known, runId }, figures));
}
