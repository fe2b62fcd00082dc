import * as z from 'zod';
import { runKeys } from '../layout/bucket-keys.ts';
import { isOutcome } from '../records/outcome.ts';
import { parseProgress } from '../records/progress.ts';
import { RUN_STATES } from '../records/status.ts';
import { sideBySide } from '../util/for-each-limit.ts';
import { parsedJson } from '../util/parse-json.ts';
import type { RunRow } from './row.ts';
import { asRunRow, runRow } from './row.ts';

/** The text of an object of the bucket, or undefined. */
type ReadText = (key: string) => Promise<string | undefined>;

// Tasks can write into a run's folder: each record has only what a row needs, and one that has not counts as absent.
const status = z.object({
  state: z.enum(RUN_STATES),
  headline: z.string(),
  history: z.array(z.object({ state: z.enum(RUN_STATES), at: z.string() })),
});
const tasks = z.object({ total: z.number(), succeeded: z.number(), failed: z.number() });
const summary = z.object({ tasks: tasks, nodes: z.array(z.unknown()), nodeHours: z.number() });

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
  await sideBySide(runIds, atOnce, async (runId) => {
    const row = await readRow(read, runId);
    if (row !== undefined) rows.push(row);
  });
  return rows;
}

async function readRow(read: ReadText, runId: string): Promise<RunRow | undefined> {
  const keys = runKeys(runId);
  const known = status.safeParse(parsedJson(await read(keys.status))).data;
  if (known === undefined) return undefined;
  const figures = isOutcome(known.state)
    ? { summary: summary.safeParse(parsedJson(await read(keys.summary))).data }
    : { progress: parseProgress(await read(keys.progress)) };
  return asRunRow(runRow({ ...known, runId }, figures));
}
