import type { Retrier } from './language/definition.ts';
import type { StateError } from './language/error.ts';
import { names } from './language/error.ts';

/** How often each retrier of one state has been used since the state was entered. */
export class Retries {
  readonly #retriers: readonly { rule: Retrier; used: number }[];
  readonly #random: () => number;

  constructor(retriers: readonly Retrier[] = [], random: () => number) {
    this.#retriers = retriers.map((rule) => ({ rule, used: 0 }));
    this.#random = random;
  }

  /**
   * The first retrier that names the error decides, also when it has no attempts left.
   * @returns milliseconds until the next attempt, or undefined when there is none
   */
  delayAfter(error: StateError): number | undefined {
    const retrier = this.#retriers.find(({ rule }) => names(rule.ErrorEquals, error));
    if (retrier === undefined || retrier.used >= retrier.rule.MaxAttempts) return undefined;
    const { IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy } = retrier.rule;
    const seconds = Math.min(
      IntervalSeconds * BackoffRate ** retrier.used,
      MaxDelaySeconds ?? Number.POSITIVE_INFINITY,
    );
    retrier.used += 1;
    return 1000 * (JitterStrategy === 'FULL' ? this.#random() * seconds : seconds);
  }
}
