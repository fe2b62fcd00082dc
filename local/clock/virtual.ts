import type { Clock } from '../../experiment/util/clock.ts';

interface Timer {
  at: number;
  order: number;
  wake: () => void;
}

/**
 * Time that jumps to the next timer instead of passing. Timers due at the same moment fire in the order they were set,
 * so a run depends on nothing but its inputs: a simulated week takes as long as the code in it.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers: Timer[] = [];

  /** @param startMs milliseconds since the epoch */
  constructor(startMs: number) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const timer: Timer = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        removeTimer(this.#timers, timer);
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      pushTimer(this.#timers, timer);
    });
  }

  /**
   * Fires timers until `done()` holds or `limitMs` of virtual time have passed or nothing is left to wait for.
   * @returns whether `done()` held
   */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs;
    for (;;) {
      await settled();
      if (done()) return true;
      const next = this.#timers[0];
      if (next === undefined || next.at > end) {
        this.#now = Math.max(this.#now, end);
        return false;
      }
      popTimer(this.#timers);
      this.#now = Math.max(this.#now, next.at);
      next.wake();
    }
  }

  /** Lets `ms` of virtual time pass. */
  async advance(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }
}

/** Everything that can go on without time passing has gone on. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function before(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function pushTimer(heap: Timer[], timer: Timer): void {
  heap.push(timer);
  siftUp(heap, heap.length - 1);
}

function popTimer(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  heap[0] = last;
  siftDown(heap, 0);
}

function removeTimer(heap: Timer[], timer: Timer): void {
  const at = heap.indexOf(timer);
  if (at === -1) return;
  const last = heap.pop();
  if (last === undefined || at === heap.length) return;
  heap[at] = last;
  siftDown(heap, at);
  siftUp(heap, at);
}

function siftUp(heap: Timer[], from: number): void {
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!swapIfBefore(heap, at, parent)) return;
    at = parent;
  }
}

function siftDown(heap: Timer[], from: number): void {
  let at = from;
  for (;;) {
    const left = 2 * at + 1;
    const right = left + 1;
    const a = heap[left];
    const b = heap[right];
    if (a === undefined) return;
    const least = b !== undefined && before(b, a) ? right : left;
    if (!swapIfBefore(heap, least, at)) return;
    at = least;
  }
}

/** Swaps when the timer at `upper` belongs before the one at `lower`. */
function swapIfBefore(heap: Timer[], upper: number, lower: number): boolean {
  const a = heap[upper];
  const b = heap[lower];
  if (a === undefined || b === undefined || !before(a, b)) return false;
  heap[upper] = b;
  heap[lower] = a;
  return true;
}
