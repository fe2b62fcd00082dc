import type { Bucket } from '../../aws/bucket.ts';
import { RUN_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import type { ListedRuns } from '../../experiment/run-list/page-index.ts';
import { readRunRows as readRows } from '../../experiment/run-list/read-rows.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';

/** Of 1,000 run folders each. */
const LIST_PAGES = 20;
const SIDE_BY_SIDE = 8;

/** The runs that have a folder, up to 20,000 of them. */
export async function listRuns(bucket: Bucket): Promise<ListedRuns> {
  const { folders, complete } = await bucket.folders(RUN_PREFIX, LIST_PAGES);
  return { runIds: folders.map((folder) => folder.slice(RUN_PREFIX.length, -1)).filter(isRunId), complete };
}

/** A row for each run of which anything is known, in no order. */
export function readRunRows(bucket: Bucket, runIds: readonly string[]): Promise<RunRow[]> {
  return readRows(
    async (key, maxBytes) => (await bucket.readUntrusted(key, { maxBytes }))?.text,
    runIds,
    SIDE_BY_SIDE,
  );
}
