import { RUN_PREFIX, runKeys } from '../experiment/bucket-layout.ts';
import { isRunId } from '../experiment/run-id.ts';
import type { RunRow } from '../experiment/run-row.ts';
import { newestFirst, runRow } from '../experiment/run-row.ts';
import type { Progress } from '../experiment/runner-records.ts';
import type { Status } from '../experiment/status.ts';
import type { Summary } from '../experiment/summary.ts';
import { isOutcome } from '../experiment/summary.ts';
import { spoken } from '../experiment/wording.ts';
import type { RunStore } from './run-store.ts';
import { readRecord } from './run-store.ts';

/** Requests under way at once. */
const AT_ONCE = 24;

/** All runs of a bucket, newest first. A folder whose status cannot be read is no run yet. */
export async function readRows(store: RunStore): Promise<RunRow[]> {
  const ids = (await store.folders(RUN_PREFIX)).filter(isRunId);
  const rows: RunRow[] = [];
  const work = async () => {
    for (let runId = ids.pop(); runId !== undefined; runId = ids.pop()) {
      const row = await readRow(store, runId);
      if (row !== undefined) rows.push(row);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return rows.toSorted(newestFirst);
}

async function readRow(store: RunStore, runId: string): Promise<RunRow | undefined> {
  const keys = runKeys(runId);
  const status = await readRecord<Status>(store, keys.status);
  if (status === undefined) return undefined;
  if (isOutcome(status.state))
    return runRow(status, { summary: await readRecord<Summary>(store, keys.summary) });
  return runRow(status, { progress: await readRecord<Progress>(store, keys.progress) });
}

/** How long ago the manifest was accepted. @param now milliseconds since the epoch */
export function age({ at }: RunRow, now: number): string {
  return spoken(Math.max(0, Math.round((now - Date.parse(at)) / 1000)));
}
