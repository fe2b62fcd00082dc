import type { SeqRange } from './task-queue.ts';

/** A task that was under way on so many nodes when they were lost is not started again. */
const NODES_TAKEN = 2;

/** How often tasks failed, and were under way when their node was lost: what decides whether one is started again. */
export class Tries {
  readonly #retries: number;
  readonly #failures = new Map<number, number>();
  readonly #losses = new Map<number, string[]>();
  /** Times that only a connection broke. */
  readonly #breaks = new Map<number, number>();
  readonly #alone = new Set<number>();

  /** @param losses those of earlier attempts */
  constructor(retries: number, losses: ReadonlyMap<number, readonly string[]> = new Map()) {
    this.#retries = retries;
    for (const [seq, nodes] of losses) this.#losses.set(seq, [...nodes]);
  }

  /** The how manieth try the next one is. */
  next(seq: number): number {
    const failures = this.#failures.get(seq) ?? 0;
    return 1 + failures + (this.#losses.get(seq)?.length ?? 0) + (this.#breaks.get(seq) ?? 0);
  }

  /** The same sequence numbers in ranges of which each has one number of tries. */
  sameTries(ranges: readonly SeqRange[]): (SeqRange & { tried: number })[] {
    const same: (SeqRange & { tried: number })[] = [];
    const isFirst = this.#failures.size + this.#losses.size + this.#breaks.size === 0;
    for (const { first, count } of ranges) {
      if (isFirst) same.push({ first, count, tried: 1 });
      for (let seq = first; !isFirst && seq < first + count; seq += 1) {
        const last = seq === first ? undefined : same.at(-1);
        const tried = this.next(seq);
        if (last?.tried === tried) last.count += 1;
        else same.push({ first: seq, count: 1, tried });
      }
    }
    return same;
  }

  /** Notes a failure. Answers whether it is tried again, and whether that was the first. */
  fail(seq: number): { isAgain: boolean; isFirst: boolean } {
    const failures = (this.#failures.get(seq) ?? 0) + 1;
    this.#failures.set(seq, failures);
    return { isAgain: failures <= this.#retries + (this.#alone.has(seq) ? 1 : 0), isFirst: failures === 1 };
  }

  /** True once for each task that ran out of memory: it is tried alone, and that is not counted as a retry. */
  failForMemory(seq: number): boolean {
    if (this.#alone.has(seq)) return false;
    this.#alone.add(seq);
    this.#failures.set(seq, (this.#failures.get(seq) ?? 0) + 1);
    return true;
  }

  /** It was under way when a node was lost, or only the connection to it. */
  lose(seq: number, node: string, isNodeLost: boolean): void {
    if (isNodeLost) this.#losses.set(seq, [...(this.#losses.get(seq) ?? []), node]);
    else this.#breaks.set(seq, (this.#breaks.get(seq) ?? 0) + 1);
  }

  /** It ran out of memory: it is to be tried alone. */
  isAlone(seq: number): boolean {
    return this.#alone.has(seq);
  }

  /** It may have taken a node with it: no other such task runs on its node. */
  isSuspect(seq: number): boolean {
    return this.#losses.has(seq);
  }

  suspects(): number[] {
    return [...this.#losses.keys()];
  }

  /** Why it is not started again; undefined where it is. */
  givenUp(seq: number): string | undefined {
    const nodes = this.#losses.get(seq) ?? [];
    if (nodes.length < NODES_TAKEN) return undefined;
    return `given up: task ${seq} was running on ${nodes.join(' and ')} when ${nodes.length === 2 ? 'both' : 'all of them'} were lost`;
  }
}
