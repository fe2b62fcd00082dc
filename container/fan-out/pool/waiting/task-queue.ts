/** Consecutive sequence numbers. */
export interface SeqRange {
  first: number;
  count: number;
}

/**
 * The sequence numbers that still have to be started, as ranges: a million commands in order are one entry. What comes
 * back (a retry, a lost node) goes to the front, so that the end of a run does not wait for it.
 */
export class TaskQueue {
  readonly #ranges: SeqRange[] = [];
  #size = 0;

  /** @param done sequence numbers that need not run */
  constructor(total: number, done: ReadonlySet<number>) {
    let first = 0;
    for (let seq = 1; seq <= total + 1; seq += 1) {
      const wanted = seq <= total && !done.has(seq);
      if (wanted && first === 0) first = seq;
      if (!wanted && first !== 0) {
        this.#add({ first, count: seq - first });
        first = 0;
      }
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Takes up to `count` sequence numbers from the front. */
  take(count: number): SeqRange[] {
    const taken: SeqRange[] = [];
    let left = count;
    while (left > 0) {
      const range = this.#ranges[0];
      if (range === undefined) break;
      const take = Math.min(left, range.count);
      taken.push({ first: range.first, count: take });
      if (take === range.count) this.#ranges.shift();
      else this.#ranges[0] = { first: range.first + take, count: range.count - take };
      left -= take;
      this.#size -= take;
    }
    return taken;
  }

  /** Puts sequence numbers back. */
  putBack(seqs: Iterable<number>): void {
    const ranges: SeqRange[] = [];
    for (const seq of [...seqs].sort((a, b) => a - b)) {
      const last = ranges.at(-1);
      if (last !== undefined && last.first + last.count === seq) last.count += 1;
      else ranges.push({ first: seq, count: 1 });
      this.#size += 1;
    }
    this.#ranges.unshift(...ranges);
  }

  /** Moves so many sequence numbers, spread evenly over those that wait, to the front. Answers which. */
  bringForward(count: number): number[] {
    const many = Math.min(count, this.#size);
    const picked: number[] = [];
    let passed = 0;
    for (const { first, count: size } of this.#ranges) {
      const isPicked = () => Math.floor(((picked.length + 0.5) * this.#size) / many) - passed;
      for (let at = isPicked(); picked.length < many && at < size; at = isPicked()) picked.push(first + at);
      passed += size;
    }
    const ranges = this.#ranges.splice(0);
    this.#size = 0;
    for (const { first, count: size } of ranges) {
      let from = first;
      for (const seq of [...picked.filter((one) => one >= first && one < first + size), first + size]) {
        if (seq > from) this.#add({ first: from, count: seq - from });
        from = seq + 1;
      }
    }
    this.putBack(picked);
    return picked;
  }

  #add(range: SeqRange): void {
    this.#ranges.push(range);
    this.#size += range.count;
  }
}
