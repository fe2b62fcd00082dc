import type { Clock } from '../../experiment/util/clock.ts';
import { within } from '../../experiment/util/timers.ts';
import type { Log } from '../process/log.ts';

const EACH_MS = 5000;

interface Closer {
  name: string;
  close: () => Promise<unknown>;
  limitMs: () => number | undefined;
}

/** What was opened and must be closed, in reverse order, each within a limit; one that fails stops no other. */
export class Closers {
  readonly #closers: Closer[] = [];
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @param limitMs asked when it is closed; five seconds where it answers nothing */
  add(
    name: string,
    close: () => Promise<unknown>,
    limitMs: () => number | undefined = () => undefined,
  ): void {
    this.#closers.push({ name, close, limitMs });
  }

  async closeAll(): Promise<void> {
    for (let next = this.#closers.pop(); next !== undefined; next = this.#closers.pop()) {
      const { name, close } = next;
      const limitMs = next.limitMs() ?? EACH_MS;
      try {
        await within(this.#clock, limitMs, close(), () => {
          throw new Error(`not closed within ${limitMs / 1000} s`);
        });
      } catch (error) {
        this.#log('Close:Failed', { what: name, why: String(error) });
      }
    }
  }
}
