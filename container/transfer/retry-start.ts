import { isOutOfReach } from '../../aws/errors.ts';
import type { Clock } from '../../experiment/util/clock.ts';

const PATIENCE_MS = 60_000;
const LONGEST_PAUSE_MS = 5000;

/**
 * Asks S3 until it answers, whatever that is: a container that has just started may have neither network nor credentials
 * yet, and its run may have waited hours for its machines. @throws the last error after a minute, or once `signal` is aborted
 */
export async function untilAnswered<Answer>(
  ask: () => Promise<Answer>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Answer> {
  const deadline = clock.now() + PATIENCE_MS;
  for (let pause = 500; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isOutOfReach(error) || clock.now() + pause > deadline) throw error;
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }
}
