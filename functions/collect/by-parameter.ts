import { BadList } from '../../experiment/commands/lines.ts';
import type { ByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import { ParameterCounts } from '../../experiment/diagnosis/by-parameter.ts';
import { taskSucceeded } from '../../experiment/results/task-table.ts';
import type { RunStores } from '../stores/run-stores.ts';
import type { Remains } from './run-folder.ts';
import { taskSource } from './task-source.ts';

const FAILED = -1;

/** What the tasks of this run show by parameter; undefined of tasks without any. */
export async function countByParameter(
  { bucket, records: { keys } }: Pick<RunStores, 'bucket' | 'records'>,
  { plan, tasks }: Remains,
): Promise<ByParameter | undefined> {
  if (plan === undefined || tasks.size === 0) return undefined;
  try {
    const source = await taskSource(bucket, keys, plan.work);
    if (source.keys.length === 0) return undefined;
    const { seconds, quarter } = secondsOf(tasks);
    const counts = new ParameterCounts(source.keys, quarter);
    for await (const batch of source.tasks())
      for (const { seq, values } of batch) {
        const took = seconds[seq] ?? Number.NaN;
        if (!Number.isNaN(took)) counts.add(values, took === FAILED ? undefined : took);
      }
    return counts.found();
  } catch (error) {
    // A table among the inputs that a task wrote over meanwhile.
    if (error instanceof BadList) return undefined;
    throw error;
  }
}

/** By sequence number: the seconds of what succeeded, {@link FAILED}, or NaN where this run has no row of it. */
function secondsOf(tasks: Remains['tasks']): { seconds: Float64Array; quarter: number } {
  let highest = 0;
  for (const seq of tasks.seqs) highest = Math.max(highest, seq);
  const seconds = new Float64Array(highest + 1).fill(Number.NaN);
  for (let at = 0; at < tasks.size; at += 1)
    seconds[tasks.seqs[at] ?? 0] = taskSucceeded(tasks, at) ? (tasks.runtime[at] ?? 0) : FAILED;
  const sorted = seconds.filter((took) => took >= 0).sort();
  return { seconds, quarter: sorted[Math.ceil(sorted.length / 4) - 1] ?? 0 };
}
