import type { BatchPort } from '../../../aws/ports.ts';
import type { Clock } from '../../../experiment/util/clock.ts';
import { awsError, commandName, sendingBy } from '../simulation/faults/hostile-calls.ts';

/** Batch that takes so many submissions in any second and refuses the others. */
export function perSecond(clock: Clock, most: number) {
  let taken: number[] = [];
  return (batch: BatchPort, count: (what: string) => void): BatchPort =>
    sendingBy(batch, (send) => async (command) => {
      if (commandName(command) === 'SubmitJob') {
        const now = clock.now();
        taken = taken.filter((at) => now - at < 1000);
        if (taken.length >= most) {
          count('refused submission');
          throw awsError('TooManyRequestsException', 429);
        }
        taken.push(now);
      }
      return send(command);
    });
}
