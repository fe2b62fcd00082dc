/** Memory takes 0.1 ms, a local disk less than one, EFS ten. */
const QUICK_SECONDS = 0.001;
/** What starting and ending a task takes beside it, about. */
const OVERHEAD_SECONDS = 0.002;
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
  #opening = 0;
  #running = 0;

  /**
   * @param opening seconds in which a task's files were opened
   * @param running seconds that it ran
   */
  observe(opening: number, running: number): void {
    this.#opening = this.#opening === 0 ? opening : this.#opening + 0.1 * (opening - this.#opening);
    this.#running = this.#running === 0 ? running : this.#running + 0.1 * (running - this.#running);
  }

  groups(slots: number): number {
    if (this.#opening < QUICK_SECONDS) return slots;
    const more = Math.round((slots * this.#opening) / (this.#running + OVERHEAD_SECONDS));
    return Math.min(mostGroups(slots), slots + more);
  }
}
