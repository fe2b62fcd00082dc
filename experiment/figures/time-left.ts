import type { Plan } from '../plan/plan.ts';
import type { Progress } from '../records/progress.ts';

/** Tries of this attempt that have ended: how many, their seconds and squares of seconds added up, the longest. */
export class EndedTries {
  count = 0;
  seconds = 0;
  squares = 0;
  longest = 0;

  add(seconds: number): void {
    this.count += 1;
    this.seconds += seconds;
    this.squares += seconds ** 2;
    this.longest = Math.max(this.longest, seconds);
  }
}

/** A fan-out as it stands. Times in seconds. */
export interface UnderWay {
  /** Tasks that have not ended, those under way among them. */
  left: number;
  slots: number;
  /** How long each task under way has been running. */
  ages: readonly number[];
  /** Tasks that ended a second, over the last ten. */
  rate: number;
  ended: Readonly<Pick<EndedTries, 'count' | 'seconds' | 'squares' | 'longest'>>;
}

/** Slots do not end together: so much of the longest task the last one takes more. */
const LAST = 2 / 3;
/** Of tasks that take less, ten seconds show what their start costs beside them: then the work is over no sooner than by the rate. */
const BRIEF = 1;
/** Tasks some of which take so many times the mean… */
const UNEVEN = 3;
/** …and work that is over in less than so many times the longest: one more such task, which nobody knows of, decides. */
const SHORT = 1.5;

/**
 * Seconds until the last task ends, from the work that is left: tasks that have not begun take the mean of those that have
 * ended and twice its standard error (few long ones have been seen yet), tasks under way what is missing to it, all slots
 * share it, and the last one ends later than the others. No number where none has ended, at the tail (fewer tasks left than
 * slots), and where one long task decides: nobody knows of it.
 */
export function secondsLeft({ left, slots, ages, ended, rate }: UnderWay): number | undefined {
  if (left === 0) return 0;
  if (ended.count === 0 || slots === 0 || left <= slots) return undefined;
  const plain = ended.seconds / ended.count;
  const variance = Math.max(0, ended.squares / ended.count - plain ** 2);
  // A task that runs already for longer tells that the mean is too low: so long, at the least, such tasks take.
  const long = ages.filter((age) => age > plain);
  const seen = (ended.seconds + long.reduce((sum, age) => sum + age, 0)) / (ended.count + long.length);
  const mean = seen + 2 * Math.sqrt(variance / ended.count);
  const longest = Math.max(ended.longest, ...long);
  const running = Math.min(left, ages.length);
  const work = (left - running) * mean + ages.reduce((sum, age) => sum + Math.max(0, mean - age), 0);
  const byRate = mean < BRIEF && rate > 0 ? left / rate : 0;
  const shared = Math.max(work / slots, byRate);
  if (longest > UNEVEN * seen && shared < SHORT * longest) return undefined;
  return shared + LAST * longest;
}

/**
 * The limit that ends a run before its tasks would have ended; undefined where none does, or nothing runs.
 * @param left how long the tasks take; where no number can be said, how long the oldest has been running
 */
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
