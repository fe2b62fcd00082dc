import type { Clock } from '../experiment/clock.ts';
import type { Log } from './log.ts';

const EACH_MS = 5000;

/** What was opened and must be closed, in reverse order, each within five seconds; one that fails stops no other. */
export class Closers {
  readonly #closers: { name: string; close: () => Promise<unknown> }[] = [];
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  add(name: string, close: () => Promise<unknown>): void {
    this.#closers.push({ name, close });
  }

  async closeAll(): Promise<void> {
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      const { name, close } = next;
      const over = new AbortController();
      const limit = this.#clock.sleep(EACH_MS, over.signal).then(
        () => Promise.reject(new Error(`not closed within ${EACH_MS / 1000} s`)),
        () => undefined,
      );
      try {
        await Promise.race([close(), limit]);
      } catch (error) {
        this.#log('Close:Failed', { what: name, why: String(error) });
      }
      over.abort();
    }
  }
}
