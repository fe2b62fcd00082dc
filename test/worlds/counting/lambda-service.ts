import type { Clock } from '../../../experiment/util/clock.ts';
import type { LambdaFunction } from '../../../functions/middleware.ts';
import type { SeededRandom } from '../../../local/clock/seeded-random.ts';
import type { Counts } from './counts.ts';

/** Lambda tries an event that it could not place again after a second, later and later, up to five minutes. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
/** The template's MaximumEventAgeInSeconds: what is older goes to the queue of failed invocations. */
const MOST_AGE_MS = 21_600_000;

/** Lambda with its account's limit: a call that waits for its answer is refused over it, an event waits. */
export class LambdaService {
  readonly #clock: Clock;
  readonly #counts: Counts;
  readonly #concurrency: number;
  readonly #random: SeededRandom;
  #running = 0;

  constructor(clock: Clock, counts: Counts, concurrency: number, random: SeededRandom) {
    this.#random = random;
    this.#clock = clock;
    this.#counts = counts;
    this.#concurrency = concurrency;
  }

  /** As Step Functions calls. @throws Lambda.TooManyRequestsException, and what the function throws */
  async invoke<Output>(name: string, handler: LambdaFunction<Output>, payload: unknown): Promise<Output> {
    if (this.#running >= this.#concurrency) {
      this.#counts.add('refused invocation');
      const error = new Error('Rate Exceeded.');
      error.name = 'Lambda.TooManyRequestsException';
      throw error;
    }
    this.#running += 1;
    this.#counts.add(`invocation of ${name}`);
    const begunAt = this.#clock.now();
    try {
      return await handler(payload);
    } finally {
      this.#running -= 1;
      this.#counts.add(`milliseconds of ${name}`, this.#clock.now() - begunAt);
    }
  }

  /** As EventBridge calls: accepted at once, run when there is room. */
  async invokeLater(name: string, handler: LambdaFunction<void>, event: unknown): Promise<void> {
    const since = this.#clock.now();
    let wait = FIRST_WAIT_MS;
    while (this.#running >= this.#concurrency) {
      this.#counts.add('event that waited');
      if (this.#clock.now() - since > MOST_AGE_MS) {
        this.#counts.add('event given up');
        return;
      }
      await this.#clock.sleep(this.#random.between(wait / 2, wait));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
    await this.invoke(name, handler, event);
  }
}
