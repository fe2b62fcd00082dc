import type { Clock } from '../../../experiment/util/clock.ts';
import { StateError } from './language/error.ts';

/**
 * The work's result, unless its time is over first; the work itself is not stopped, as Step Functions stops no Lambda.
 * @throws StateError `States.Timeout`
 */
export async function withinTime<Result>(
  work: Promise<Result>,
  timeoutMs: number | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result> {
  const done = new AbortController();
  const racers = [work, untilAborted(signal, done.signal)];
  if (timeoutMs !== undefined)
    racers.push(
      clock.sleep(timeoutMs, AbortSignal.any([done.signal, signal])).then(() => {
        throw new StateError('States.Timeout', `the task was not done within ${timeoutMs / 1000} s`);
      }),
    );
  try {
    return await Promise.race(racers);
  } finally {
    done.abort();
  }
}

function untilAborted(signal: AbortSignal, done: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: done });
  });
}
