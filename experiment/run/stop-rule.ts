import type { StopAfter } from '../plan/plan.ts';
import type { Ending } from '../records/ending.ts';

/** A task that has ended for good. */
export interface EndedTask {
  seq: number;
  ending: Ending;
  /** Undefined where it succeeded. */
  signature: string | undefined;
  /** It said something on stderr. */
  hasWords: boolean;
  /** In seconds, on any clock. */
  at: number;
}

/** Tasks from all over the list that are to show the same before a run is given up. */
export const SAMPLED = 20;

const NEARLY_OVER_SECONDS = 5;
const NOT_STARTED: readonly number[] = [126, 127];

/**
 * When a run is to end because of what failed. By the manifest: after so many failures. By itself, where the manifest says
 * nothing: when the first min(max(20, slots), 200) tasks all failed in one way, and 20 more from all over the list as well.
 * Only a way that says what is wrong: a command that cannot be started, or words. Solvers end with 10 and `grep` with 1, and
 * a time limit or a signal may be one task's. One success ends the watch. A run that will be over in a
 * few seconds is left to end: a stop would hardly be sooner, and all its words are there then.
 */
export class StopRule {
  readonly #rule: StopAfter | undefined;
  readonly #total: number;
  readonly #limit: number;
  readonly #enough: number;
  #firstAt: number | undefined;
  #isHopeful: boolean;
  #signature: string | undefined;
  #ended = 0;
  #failed = 0;
  /** Those that are still to show the same; undefined until they were asked for. */
  #sampled: Set<number> | undefined;

  /** @param earlier tasks that succeeded before, in this run or one that it resumes */
  constructor(
    rule: StopAfter | undefined,
    { total, slots, earlier }: { total: number; slots: number; earlier: number },
  ) {
    this.#rule = rule;
    this.#total = total;
    this.#limit = limitOf(rule, total);
    this.#enough = Math.min(Math.max(SAMPLED, slots), 200);
    this.#isHopeful = rule !== undefined || earlier > 0;
  }

  /** Of the next task that ended for good. `sample`: take {@link SAMPLED} tasks from all over the list next, and say which. */
  next(task: EndedTask): 'go-on' | 'sample' | 'stop' {
    this.#ended += 1;
    this.#firstAt ??= task.at;
    if (task.signature !== undefined) this.#failed += 1;
    if (this.#failed >= this.#limit) return 'stop';
    if (this.#isHopeful) return 'go-on';
    this.#signature ??= task.signature;
    if (!isTelling(task) || task.signature !== this.#signature) {
      this.#isHopeful = true;
      return 'go-on';
    }
    if (this.#sampled === undefined) return this.#ended < this.#enough ? 'go-on' : 'sample';
    const pace = (task.at - this.#firstAt) / (this.#ended - 1);
    const isWorthIt = (this.#total - this.#ended) * pace > NEARLY_OVER_SECONDS;
    return this.#sampled.delete(task.seq) && this.#sampled.size === 0 && isWorthIt ? 'stop' : 'go-on';
  }

  /** Which tasks are taken next. Without any all are under way, and the run ends by itself. */
  watch(sampled: readonly number[]): void {
    this.#sampled = new Set(sampled);
    if (sampled.length === 0) this.#isHopeful = true;
  }

  /** Whether the manifest asked for it. */
  get isAsked(): boolean {
    return this.#rule !== undefined;
  }
}

function isTelling({ ending, hasWords }: EndedTask): boolean {
  return ending.kind === 'exit' && (NOT_STARTED.includes(ending.code) || hasWords);
}

function limitOf(rule: StopAfter | undefined, total: number): number {
  if (rule === undefined || rule === 'never') return Number.POSITIVE_INFINITY;
  const { failures } = rule;
  if (typeof failures === 'number') return failures;
  return Math.max(1, Math.ceil((total * Number.parseFloat(failures)) / 100));
}
