import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../experiment/util/clock.ts';

/** The longest that one timer of Node.js waits (24.8 days); asked for more, it would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The machine's own time. */
export const realClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    // Each node waits on the same signal, and Node 20 warns of a leak from the 11th on.
    if (signal !== undefined) setMaxListeners(0, signal);
    try {
      // Not even a sleep of no time returns in the same turn.
      for (let left = Math.max(ms, 1); left > 0; left -= LONGEST_TIMER)
        await delay(Math.min(left, LONGEST_TIMER), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted(); // The reason itself, where the timer has an AbortError around it.
      throw error;
    }
  },
};
