import { RUN_PREFIX } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import { readRunRows } from '../../experiment/run-list/read-rows.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';
import { newestFirst } from '../../experiment/run-list/row.ts';
import { spoken } from '../../experiment/text/numbers.ts';
import type { RunStore } from './run-store.ts';

/** Runs that are read at once. */
const SIDE_BY_SIDE = 24;

/** Of all folders of runs; those of which nothing can be read are among them. */
export async function listRunIds(store: RunStore): Promise<string[]> {
  return (await store.folders(RUN_PREFIX)).filter(isRunId);
}

/** These runs, or all of a bucket, newest first. A folder whose status cannot be read is no run. */
export async function readRows(store: RunStore, these?: readonly string[]): Promise<RunRow[]> {
  const runIds = these ?? (await listRunIds(store));
  return (await readRunRows(store.text, runIds, SIDE_BY_SIDE)).toSorted(newestFirst);
}

/** How long ago the manifest was accepted. @param now milliseconds since the epoch */
export function age({ at }: Pick<RunRow, 'at'>, now: number): string {
  return spoken(Math.max(0, Math.round((now - Date.parse(at)) / 1000)));
}
