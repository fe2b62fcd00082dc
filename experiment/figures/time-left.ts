import type { Plan } from '../plan/plan.ts';
import type { Progress } from '../records/progress.ts';

/** A fan-out as it stands. Times in seconds. */
export interface UnderWay {
  /** Tasks that have not ended, those under way among them. */
  left: number;
  slots: number;
  /** How long each task under way has been running. */
  ages: readonly number[];
  /** Of the tries of this attempt that have ended. */
  ended: { count: number; seconds: number };
}

/**
 * Seconds until the last task ends, from the work that is left: tasks that have not begun take the mean of those that have
 * ended, tasks under way what is missing to it, and all slots share it. No number where none has ended, and at the tail
 * (fewer tasks left than slots): it depends on the longest task, which nobody knows.
 */
export function secondsLeft({ left, slots, ages, ended }: UnderWay): number | undefined {
  if (left === 0) return 0;
  if (ended.count === 0 || slots === 0 || left <= slots) return undefined;
  // A task that runs already for longer tells that the mean is too low: so long, at the least, such tasks take.
  const long = ages.filter((age) => age > ended.seconds / ended.count);
  const mean = (ended.seconds + long.reduce((sum, age) => sum + age, 0)) / (ended.count + long.length);
  const running = Math.min(left, ages.length);
  const work = (left - running) * mean + ages.reduce((sum, age) => sum + Math.max(0, mean - age), 0);
  return work / slots;
}

/** The limit that ends a run before its tasks would have ended; undefined where none does, or the tasks' end is not known. */
export function nearerLimit(
  { cluster, timeouts, maxNodeHours }: Pick<Plan, 'cluster' | 'timeouts' | 'maxNodeHours'>,
  { left, used, ran }: { left: number | undefined; used: number; ran: number },
): Progress['nearest'] {
  const byBudget =
    maxNodeHours === undefined ? Number.POSITIVE_INFINITY : ((maxNodeHours - used) * 3600) / cluster.nodes;
  const byTime = timeouts.runSeconds - ran;
  const seconds = Math.max(0, Math.min(byBudget, byTime));
  if (left === undefined || seconds >= left) return undefined;
  return { seconds, of: byBudget < byTime ? 'the budget' : 'timeouts.run' };
}
