import { MovingMean } from './moving-mean.ts';

/** How long a group of short tasks should take: long against the 10 ms of CPU that starting it costs. */
const GROUP_SECONDS = 3;
/** Longer tasks have no group: `group.pl` gives back what waits behind one of a quarter of a second. */
export const ALONE_SECONDS = 0.125;
/** Towards the end groups get no shorter: to end together within this is as good as at once, and each start has its price. */
const LEAST_SECONDS = 0.2;
/** What bash and the group runner cost beside a task, about. */
export const OVERHEAD_SECONDS = 0.002;
const MAX_TASKS = 1000;
/** A group has so much less than an even share of what waits: the rest evens out that some tasks take longer than others. */
const SPARED = 1.5;

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
   * @param groups groups there are at once on all nodes
   */
  next(waiting: number, groups: number): number {
    const mean = this.#mean.value;
    if (mean === undefined) return 1;
    const one = mean + OVERHEAD_SECONDS;
    const most = mean < ALONE_SECONDS ? Math.floor(GROUP_SECONDS / one) : 1;
    const tail = Math.max(Math.ceil(waiting / (SPARED * groups)), Math.floor(LEAST_SECONDS / one));
    this.#last = Math.max(1, Math.min(most, tail, this.#last * 4, MAX_TASKS));
    return this.#last;
  }

  /** How many tasks may have begun within so many seconds, one after another. */
  within(seconds: number): number {
    return Math.ceil(seconds / ((this.#mean.value ?? seconds) + OVERHEAD_SECONDS));
  }

  /**
   * Milliseconds after which a group gives back what it has not begun.
   * @param sharing groups there are for each slot
   */
  budgetMs(sharing: number): number {
    return Math.round(2 * GROUP_SECONDS * 1000 * sharing);
  }
}
