import { OVERHEAD_SECONDS } from './group-size.ts';
import { MovingMean } from './moving-mean.ts';

/** Memory takes 0.1 ms, a local disk less than one, EFS ten. */
const QUICK_SECONDS = 0.001;
/** Enough on one machine: all its clients of shared storage make folders in one folder one after another. */
const MOST_GROUPS = 8;

/** The most groups that a node may have at once. */
export function mostGroups(slots: number): number {
  return Math.max(slots, MOST_GROUPS);
}

/**
 * How many groups a node has at once. One a slot, as long as a task's files are opened quickly. Where shared storage takes
 * its time, more: while some wait for it, the tasks of others run.
 */
export class Overlap {
  readonly #opening = new MovingMean(0.1);
  readonly #running = new MovingMean(0.1);

  /**
   * @param opening seconds in which a task's files were opened
   * @param running seconds that it ran
   */
  observe(opening: number, running: number): void {
    this.#opening.observe(opening);
    this.#running.observe(running);
  }

  groups(slots: number): number {
    const opening = this.#opening.value ?? 0;
    if (opening < QUICK_SECONDS) return slots;
    const more = Math.round((slots * opening) / ((this.#running.value ?? 0) + OVERHEAD_SECONDS));
    return Math.min(mostGroups(slots), slots + more);
  }
}
