import { MovingMean } from './moving-mean.ts';

/** How long a group of short tasks should take: long against the 20 ms of CPU that starting it costs. */
const GROUP_SECONDS = 1;
/** Towards the end groups get no shorter: to end together within this is as good as at once, and each start has its price. */
const LEAST_SECONDS = 0.1;
/** What bash and the group runner cost beside a task, about. */
export const OVERHEAD_SECONDS = 0.002;
const MOST_TASKS = 1000;

/**
 * How many tasks go into a group, from the durations measured so far. Before anything is known a group is one task; it
 * grows at most fourfold at a time, and shrinks towards the end so that all slots end together.
 */
export class GroupSize {
  /** Follows a change within some fifty tasks, and is not thrown by one long task among short ones. */
  readonly #mean = new MovingMean(0.04);
  #last = 1;

  /** @param seconds a task's run time */
  observe(seconds: number): void {
    this.#mean.observe(seconds);
  }

  /**
   * @param waiting tasks that are not started
   * @param slots slots there are on all nodes
   * @param groups groups there are at once on all nodes
   */
  next(waiting: number, slots: number, groups: number): number {
    const mean = this.#mean.value;
    if (mean === undefined) return 1;
    const one = mean + OVERHEAD_SECONDS;
    const tail = Math.max(Math.ceil(waiting / (slots + groups)), Math.floor(LEAST_SECONDS / one));
    this.#last = Math.max(1, Math.min(Math.floor(GROUP_SECONDS / one), tail, this.#last * 4, MOST_TASKS));
    return this.#last;
  }

  /**
   * Milliseconds after which a group gives back what it has not begun.
   * @param sharing groups there are for each slot
   */
  budgetMs(sharing: number): number {
    return Math.round(2 * GROUP_SECONDS * 1000 * sharing);
  }
}
