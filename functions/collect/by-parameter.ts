import { BadList } from '../../experiment/commands/lines.ts';
import type { ByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import { FailuresByParameter } from '../../experiment/diagnosis/by-parameter.ts';
import { taskSucceeded } from '../../experiment/results/task-table.ts';
import type { RunStores } from '../stores/run-stores.ts';
import type { Remains } from './run-folder.ts';
import { taskSource } from './task-source.ts';

/** The value of a parameter that failures go with; nothing is read where none failed. */
export async function failuresByParameter(
  { bucket, records: { keys } }: Pick<RunStores, 'bucket' | 'records'>,
  { plan, tasks }: Remains,
): Promise<ByParameter | undefined> {
  const ended = new Map<number, boolean>();
  let failed = 0;
  for (let at = 0; at < tasks.size; at += 1) {
    const isGood = taskSucceeded(tasks, at);
    if (!isGood) failed += 1;
    ended.set(tasks.seqs[at] ?? 0, isGood);
  }
  if (plan === undefined || failed === 0) return undefined;
  try {
    const source = await taskSource(bucket, keys, plan.work);
    const counts = new FailuresByParameter(source.keys);
    for await (const batch of source.tasks())
      for (const { seq, values } of batch) {
        const isGood = ended.get(seq);
        if (isGood !== undefined) counts.add(values, !isGood);
      }
    return counts.found();
  } catch (error) {
    // A table among the inputs that a task wrote over meanwhile.
    if (error instanceof BadList) return undefined;
    throw error;
  }
}
