import { ALONE_SECONDS, OVERHEAD_SECONDS } from './group-size.ts';
import { MovingMean } from './moving-mean.ts';

/** Memory takes 0.1 ms, a local disk less than one, EFS ten. */
const QUICK_SECONDS = 0.001;
/** Enough on one machine: all its clients of shared storage make folders in one folder one after another. */
const MAX_GROUPS = 6;
/** The slots of a node come free at different times: so many groups wait for the next ones. */
const MAX_AHEAD = 8;
/** Tasks so long do not feel the sixty milliseconds in which a GNU parallel job and a group runner start. */
const FELT_SECONDS = 5;
/** How long a group waits for a slot at least. */
const PATIENCE_SECONDS = 1;

/** The most groups that a node may have at once. */
export function mostGroups(slots: number): number {
  return Math.max(slots + ahead(slots), MAX_GROUPS);
}

/**
 * How many groups a node has at once. One a slot, as long as a task's files are opened quickly and groups are many tasks.
 * Where shared storage takes its time, more: while some wait for it, the tasks of others run. And where tasks go alone, the
 * next of them waits with its files open until a slot comes free.
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

  /** @param isEnd so few tasks wait that none should be bound to a node before it has a free slot */
  groups(slots: number, isEnd: boolean): number {
    const opening = this.#opening.value ?? 0;
    const running = this.#running.value ?? 0;
    const next = !isEnd && running >= ALONE_SECONDS && running < FELT_SECONDS ? ahead(slots) : 0;
    const waiting =
      opening < QUICK_SECONDS ? 0 : Math.round((slots * opening) / (running + OVERHEAD_SECONDS));
    return Math.max(slots + next, Math.min(slots + waiting, Math.max(slots, MAX_GROUPS)));
  }

  /** Milliseconds that a group waits for a slot of its node. Then it comes back: another node may have a free one. */
  patienceMs(): number {
    return Math.round(1000 * (PATIENCE_SECONDS + 1.5 * Math.min(this.#running.value ?? 0, FELT_SECONDS)));
  }
}

function ahead(slots: number): number {
  return Math.min(slots, MAX_AHEAD);
}
