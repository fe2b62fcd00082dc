import { isFull, isOutOfReach } from '../../aws/errors.ts';
import type { Clock } from '../../experiment/util/clock.ts';

/** For what S3 refuses although it can be reached. */
const TRIES = 4;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Sends until it has arrived. An S3 that is out of reach is asked again for as long as there is time: it may be away for
 * minutes, and results are worth waiting for. What it refuses is sent four times in all, and
 * what there is no room for once.
 * @param signal aborted when there is no more time. @throws the last error
 */
export async function untilSent(
  send: () => Promise<unknown>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      await send();
      return;
    } catch (error) {
      if (signal.aborted || isFull(error) || (tried >= TRIES && !isOutOfReach(error))) throw error;
      await clock.sleep(Math.min(300 * 2 ** tried, LONGEST_PAUSE_MS), signal).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}
