import { isRunId } from '../layout/run-id.ts';
import { isOutcome } from '../records/outcome.ts';
import type { RunRow } from './row.ts';
import { asRunRow, newestFirst } from './row.ts';

/** What the page of runs holds, so that it is rewritten without reading every run again. */
export interface RunIndex {
  /** The latest runs. */
  rows: readonly RunRow[];
  /** Ids of runs before these: known, and not shown. */
  older: readonly string[];
}

/** Run folders as they were listed, in S3's order. Not `complete`: there are more, after the last one. */
export interface ListedRuns {
  runIds: readonly string[];
  complete: boolean;
}

/** So many runs are shown; a page of this many is about 2 MB. */
const SHOWN = 2000;
/** Runs whose records are read for one rewrite. Those left over are read for the next one. */
const READ = 100;

/** What is no index is an empty one: everything is then read again, some runs at each rewrite. */
export function asRunIndex(value: unknown): RunIndex {
  const { rows, older } = Object(value);
  const list = (from: unknown): unknown[] => (Array.isArray(from) ? from : []);
  return {
    rows: list(rows).flatMap((row) => asRunRow(row) ?? []),
    older: list(older)
      .filter((id) => typeof id === 'string' && isRunId(id))
      .map(String),
  };
}

/**
 * Which runs' records are to be read: the one that has just ended, those that went on when they were last looked at, and
 * those that nobody knows. Of the last a start behind the own one, which is as good as chance: no run is always left out.
 */
export function runsToRead(own: string, index: RunIndex, listed: ListedRuns): string[] {
  const known = new Set([...index.rows.map(({ runId }) => runId), ...index.older, own]);
  const there = new Set(listed.runIds);
  const underway = index.rows.filter(
    ({ runId, state }) => !isOutcome(state) && there.has(runId) && runId !== own,
  );
  const unknown = listed.runIds.filter((id) => !known.has(id));
  const after = unknown.filter((id) => id > own);
  const others = [...underway.map(({ runId }) => runId), ...after, ...unknown.filter((id) => id < own)];
  return [own, ...others.slice(0, READ - 1)];
}

/** The index with what was read, without runs whose folder is gone. */
export function updatedIndex(index: RunIndex, read: readonly RunRow[], listed: ListedRuns): RunIndex {
  const rows = new Map(index.rows.map((row) => [row.runId, row]));
  for (const row of read) rows.set(row.runId, row);
  const fresh = new Set(read.map(({ runId }) => runId));
  const isThere = stillThere(listed);
  const sorted = [...rows.values()]
    .filter(({ runId }) => fresh.has(runId) || isThere(runId))
    .sort(newestFirst);
  const shown = new Set(sorted.slice(0, SHOWN).map(({ runId }) => runId));
  const older = new Set([...index.older, ...sorted.slice(SHOWN).map(({ runId }) => runId)]);
  return {
    rows: sorted.slice(0, SHOWN),
    older: [...older].filter((id) => !shown.has(id) && isThere(id)),
  };
}

/** Behind the end of an unfinished list nothing is known. */
function stillThere({ runIds, complete }: ListedRuns): (runId: string) => boolean {
  const there = new Set(runIds);
  const last = runIds.at(-1) ?? '';
  return (runId) => there.has(runId) || (!complete && `${runId}/` > `${last}/`);
}
