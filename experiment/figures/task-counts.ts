import type { Plan } from '../plan/plan.ts';
import { isOutcome } from '../records/outcome.ts';
import type { Progress, TaskCounts } from '../records/progress.ts';
import type { RunState } from '../records/status.ts';
import type { TaskTable } from '../results/task-table.ts';
import { taskSucceeded } from '../results/task-table.ts';

/**
 * What became of the tasks. Whatever has a row has ended as the last one says. Of the others node 0 says which were under
 * way: where starts are not known, nobody can tell lost, cut off and not started apart, and they are left out. So they are
 * while the run goes on, when what is under way has yet to end.
 */
export function taskCounts({
  plan,
  progress,
  tasks,
  outcome,
}: {
  plan: Pick<Plan, 'work' | 'fanout'>;
  progress?: Progress | undefined;
  tasks: TaskTable;
  outcome?: RunState | undefined;
}): TaskCounts & { before: number } {
  let good = 0;
  for (let at = 0; at < tasks.size; at += 1) if (taskSucceeded(tasks, at)) good += 1;
  const planned =
    plan.work.kind === 'commands' && plan.work.file.kind === 'frozen' ? plan.work.file.total : 0;
  const ended = tasks.earlier.size + tasks.size;
  const total = Math.max(planned, progress?.tasks.total ?? 0, ended);
  const counts = {
    total,
    succeeded: tasks.earlier.size + good,
    failed: tasks.size - good,
    retried: plan.fanout === 'stock' ? null : retried(tasks),
    before: tasks.earlier.size,
  };
  const left = total - ended;
  const told = progress?.tasks;
  if (left === 0) return { ...counts, lost: 0, cutOff: 0, notStarted: 0 };
  if (outcome !== undefined && !isOutcome(outcome)) return counts;
  if (told?.lost === undefined || told.cutOff === undefined) return counts;
  // A node 0 that was lost took with it what ran as it last wrote.
  const lost = Math.min(left, told.lost + (progress?.phase === 'done' ? 0 : told.running));
  const cutOff = Math.min(left - lost, told.cutOff);
  return { ...counts, lost, cutOff, notStarted: left - lost - cutOff };
}

/** GNU parallel alone keeps the last try of a task: what the ones before took is not known. */
export function keepsEveryTry({ fanout, retry }: Pick<Plan, 'fanout' | 'retry'>): boolean {
  return fanout !== 'stock' || retry.tasks === 0;
}

/** Tasks of this run with more than one row. */
function retried({ tries, size }: TaskTable): number {
  if (tries.size === size) return 0;
  const seen = new Set<number>();
  const again = new Set<number>();
  for (let at = 0; at < tries.size; at += 1) {
    const seq = tries.seqs[at] ?? 0;
    if (seen.has(seq)) again.add(seq);
    seen.add(seq);
  }
  return again.size;
}
