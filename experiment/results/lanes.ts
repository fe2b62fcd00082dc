/** Joblog times are rounded to milliseconds, each for itself: this much overlap is none. */
const ROUNDING = 2;
/** Slots of a node, as a manifest may say. What a task has written into the joblog may overlap without end. */
export const MOST_LANES = 4096;

/**
 * The slots of one node. A joblog has none: they are found again from what overlaps, every try of the attempts in the lane
 * of those that are free which was busy last, as GNU parallel fills its slots; in the first one that was never used where
 * none is.
 */
export class Lanes {
  readonly #ends: number[] = [];
  /** No lane is free before. */
  #freeFrom = Number.NEGATIVE_INFINITY;

  /** Of the next try, in whole milliseconds. @returns its lane, from 0 */
  place(start: number, duration: number): number {
    const free = this.#free(start + ROUNDING);
    const lane = free === -1 ? Math.min(this.#ends.length, MOST_LANES - 1) : free;
    this.#ends[lane] = start + duration;
    this.#freeFrom = Math.min(this.#freeFrom, start + duration);
    return lane;
  }

  #free(from: number): number {
    if (from < this.#freeFrom) return -1;
    let free = -1;
    let latest = Number.NEGATIVE_INFINITY;
    let first = Number.POSITIVE_INFINITY;
    for (let lane = 0; lane < this.#ends.length; lane += 1) {
      const end = this.#ends[lane] ?? 0;
      first = Math.min(first, end);
      if (end > from || end <= latest) continue;
      free = lane;
      latest = end;
    }
    if (free === -1) this.#freeFrom = first;
    return free;
  }
}
