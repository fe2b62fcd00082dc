import * as z from 'zod';
import { nameOfRun } from '../layout/run-id.ts';
import { amount, count, word } from '../records/fields.ts';
import { isOutcome } from '../records/outcome.ts';
import type { Status } from '../records/status.ts';
import { RUN_STATES } from '../records/status.ts';

const schema = z.object({
  runId: word,
  /** As in the manifest. */
  name: word,
  state: z.enum(RUN_STATES),
  headline: word,
  /** When the manifest was accepted; empty where that is not known. */
  at: word,
  /** Absent while the run goes on. */
  endedAt: word.optional(),
  tasks: z.object({ total: count, succeeded: count, failed: count }).optional(),
  nodes: count.optional(),
  nodeHours: amount.optional(),
});

/** One run in a list of runs: the same facts on the page of runs and in a terminal. Times are ISO 8601 in UTC. */
export type RunRow = z.infer<typeof schema>;

/** @returns undefined for what is no row: records lie where tasks can write */
export function asRunRow(value: unknown): RunRow | undefined {
  return schema.safeParse(value).data;
}

/** The order of every list of runs: the latest first. */
export function newestFirst(one: RunRow, other: RunRow): number {
  return compare(other.at, one.at) || compare(one.runId, other.runId);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Ours are shorter; a record that tasks can write is not believed to be. */
const HEADLINE = 400;

/** What a run's own records say of it; the summary is there once it has ended, node 0's progress while it runs. */
export function runRow(
  { runId, state, headline, history }: Pick<Status, 'runId' | 'state' | 'headline' | 'history'>,
  {
    summary,
    progress,
  }: {
    summary?: (Figures & { nodes: readonly unknown[] }) | undefined;
    progress?: (Figures & { nodes: { expected: number } }) | undefined;
  },
): RunRow {
  const source = summary ?? progress;
  const nodes = progress?.nodes.expected ?? summary?.nodes.length;
  const endedAt = isOutcome(state) ? history.at(-1)?.at : undefined;
  return {
    runId,
    name: nameOfRun(runId),
    state,
    headline: headline.length > HEADLINE ? `${headline.slice(0, HEADLINE).toWellFormed()}…` : headline,
    at: history[0]?.at ?? '',
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(source === undefined || source.tasks.total === 0 ? {} : { tasks: counts(source.tasks) }),
    ...(nodes === undefined || nodes === 0 ? {} : { nodes }),
    ...(source === undefined ? {} : { nodeHours: source.nodeHours }),
  };
}

interface Figures {
  tasks: { total: number; succeeded: number; failed: number };
  nodeHours: number;
}

function counts({ total, succeeded, failed }: Figures['tasks']): RunRow['tasks'] {
  return { total, succeeded, failed };
}
