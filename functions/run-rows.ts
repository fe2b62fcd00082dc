import * as z from 'zod';
import { atFirstUse } from '../experiment/at-first-use.ts';
import { RUN_PREFIX, runKeys } from '../experiment/bucket-layout.ts';
import { parsedJson } from '../experiment/parsed-json.ts';
import { isRunId } from '../experiment/run-id.ts';
import type { ListedRuns } from '../experiment/run-index.ts';
import type { RunRow } from '../experiment/run-row.ts';
import { asRunRow, runRow } from '../experiment/run-row.ts';
import { isOutcome } from '../experiment/summary.ts';
import type { Bucket } from './bucket.ts';
import { readProgress } from './run-records.ts';
import { readStatus } from './status-store.ts';

/** Of 1,000 run folders each. */
const LIST_PAGES = 20;
const SIDE_BY_SIDE = 8;

const summaryFigures = atFirstUse(() =>
  z.looseObject({
    tasks: z.object({
      total: z.number(),
      succeeded: z.number(),
      failed: z.number(),
      retried: z.number(),
      lost: z.number(),
    }),
    nodes: z.array(z.any()),
    nodeHours: z.number(),
  }),
);

/** The runs that have a folder, up to 20,000 of them. */
export async function listRuns(bucket: Bucket): Promise<ListedRuns> {
  const { folders, complete } = await bucket.folders(RUN_PREFIX, LIST_PAGES);
  return { runIds: folders.map((folder) => folder.slice(RUN_PREFIX.length, -1)).filter(isRunId), complete };
}

/** A row for each run of which anything is known, in no order. */
export async function readRunRows(bucket: Bucket, runIds: readonly string[]): Promise<RunRow[]> {
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
  return summaryFigures().safeParse(parsedJson(found?.text)).data;
}
