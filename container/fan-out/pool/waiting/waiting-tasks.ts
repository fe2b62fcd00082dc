import type { FanoutRequest } from '../../fan-out.ts';
import type { SeqRange } from './task-queue.ts';
import { TaskQueue } from './task-queue.ts';
import { Tries } from './tries.ts';

/** What waits for a slot, and which of it may not be started beside any other. */
export class WaitingTasks {
  readonly tries: Tries;
  readonly #queue: TaskQueue;
  /** They may have taken a node with them: one at a time runs on a node. */
  readonly #suspects: number[];
  /** Killed for want of memory: each runs alone on a node, after the others. */
  readonly #alone: number[] = [];

  constructor({ total, done, taskRetries, losses }: FanoutRequest) {
    this.tries = new Tries(taskRetries, losses);
    this.#suspects = this.tries.suspects().filter((seq) => seq <= total && !done.has(seq));
    this.#queue = new TaskQueue(total, new Set([...done, ...this.#suspects]));
  }

  get size(): number {
    return this.#queue.size + this.#suspects.length + this.#alone.length;
  }

  /** Those that run beside others. */
  get ordinary(): number {
    return this.#queue.size;
  }

  get suspects(): readonly number[] {
    return this.#suspects;
  }

  /** Takes up to `count` from the front, in ranges of which each has one number of tries. */
  take(count: number): (SeqRange & { tried: number })[] {
    return this.tries.sameTries(this.#queue.take(count));
  }

  /** Takes one that may have taken a node with it. */
  takeSuspect(): number | undefined {
    return this.#suspects.shift();
  }

  /** Takes one that needs a node for itself, once nothing else waits. */
  takeAlone(): number | undefined {
    return this.#queue.size + this.#suspects.length > 0 ? undefined : this.#alone.shift();
  }

  putBack(seqs: Iterable<number>): void {
    const kinds = Map.groupBy(seqs, (seq) =>
      this.tries.isAlone(seq) ? 'alone' : this.tries.isSuspect(seq) ? 'suspects' : 'queue',
    );
    this.#queue.putBack(kinds.get('queue') ?? []);
    this.#suspects.unshift(...(kinds.get('suspects') ?? []));
    this.#alone.push(...(kinds.get('alone') ?? []));
  }

  /** Moves so many, spread evenly over the list, to the front. Answers which. */
  sample(count: number): number[] {
    return this.#queue.bringForward(count);
  }

  /** Takes those out that are not to be started again, with why. */
  givenUp(): { seq: number; why: string }[] {
    const all = this.#suspects.flatMap((seq) => {
      const why = this.tries.givenUp(seq);
      return why === undefined ? [] : [{ seq, why }];
    });
    for (const { seq } of all) this.#suspects.splice(this.#suspects.indexOf(seq), 1);
    return all;
  }
}
