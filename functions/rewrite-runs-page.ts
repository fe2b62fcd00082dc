import * as z from 'zod';
import { RUN_PREFIX, RUNS_PAGE_KEY, runKeys } from '../experiment/bucket-layout.ts';
import { isRunId } from '../experiment/run-id.ts';
import type { ListedRuns } from '../experiment/run-index.ts';
import { asRunIndex, runsToRead, updatedIndex } from '../experiment/run-index.ts';
import type { RunRow } from '../experiment/run-row.ts';
import { asRunRow, runRow } from '../experiment/run-row.ts';
import { isOutcome } from '../experiment/summary.ts';
import { dataOfRunsPage, renderRunsPage } from '../report/runs-page.ts';
import { messageOf, nameOf } from './aws-errors.ts';
import type { Bucket } from './bucket.ts';
import type { FunctionDeps } from './function-deps.ts';
import { readProgress } from './run-records.ts';
import { readStatus } from './status-store.ts';

/** Each copy that is too late reads again; one of those that write at once always gets through. */
const TRIES = 10;
/** Of 1,000 run folders each. */
const LIST_PAGES = 20;
const SIDE_BY_SIDE = 8;

const summaryFigures = z.looseObject({
  tasks: z.object({
    total: z.number(),
    succeeded: z.number(),
    failed: z.number(),
    retried: z.number(),
    lost: z.number(),
  }),
  nodes: z.array(z.any()),
  nodeHours: z.number(),
});

/**
 * Writes the page of runs anew when a run has ended. The page holds its own records, so that only this run, those that
 * went on and those that it does not know are read. It is written only over the page that was read: of two runs that end
 * at once neither loses its row. A page that could not be written is told and holds nothing up: the next one catches up.
 */
export async function rewriteRunsPage(deps: FunctionDeps, bucket: Bucket, runId: string): Promise<void> {
  try {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      if (await rewriteOnce(deps, bucket, runId)) return;
      await deps.clock.sleep(20 * 2 ** Math.min(tried, 6));
    }
    deps.logger.warn('RunsPage:NotWritten', { runId, why: `other copies wrote it ${TRIES} times meanwhile` });
  } catch (error) {
    deps.logger.warn('RunsPage:NotWritten', { runId, error: nameOf(error), why: messageOf(error) });
  }
}

async function rewriteOnce(deps: FunctionDeps, bucket: Bucket, runId: string): Promise<boolean> {
  const stored = await bucket.read(RUNS_PAGE_KEY);
  const index = asRunIndex(dataOfRunsPage(stored?.text ?? ''));
  const listed = await listRuns(bucket);
  const rows = await readRows(bucket, runsToRead(runId, index, listed));
  const { rows: shown, older } = updatedIndex(index, rows, listed);
  const page = renderRunsPage({
    rows: shown,
    older,
    bucket: bucket.name,
    madeAt: deps.clock.now(),
  });
  const condition = stored === undefined ? { ifAbsent: true as const } : { ifMatch: stored.etag };
  return bucket.writeIf(RUNS_PAGE_KEY, page, condition, 'text/html; charset=utf-8');
}

async function listRuns(bucket: Bucket): Promise<ListedRuns> {
  const { folders, complete } = await bucket.folders(RUN_PREFIX, LIST_PAGES);
  return { runIds: folders.map((folder) => folder.slice(RUN_PREFIX.length, -1)).filter(isRunId), complete };
}

async function readRows(bucket: Bucket, runIds: readonly string[]): Promise<RunRow[]> {
  const queue = [...runIds];
  const rows: RunRow[] = [];
  const worker = async () => {
    for (let runId = queue.shift(); runId !== undefined; runId = queue.shift()) {
      const row = await readRow(bucket, runId);
      if (row !== undefined) rows.push(row);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker));
  return rows;
}

async function readRow(bucket: Bucket, runId: string): Promise<RunRow | undefined> {
  const status = await readStatus(bucket, runId);
  if (status === undefined) return undefined;
  const known = isOutcome(status.state)
    ? { summary: await readSummary(bucket, runId) }
    : { progress: await readProgress(bucket, runId) };
  return asRunRow(runRow({ ...status, runId }, known));
}

async function readSummary(bucket: Bucket, runId: string) {
  const found = await bucket.read(runKeys(runId).summary);
  try {
    return summaryFigures.safeParse(JSON.parse(found?.text ?? 'null')).data;
  } catch {
    return undefined; // Not written by us.
  }
}
