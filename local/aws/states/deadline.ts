import type { Clock } from '../../../experiment/util/clock.ts';
import { StateError } from './language/error.ts';

/** Limits of one attempt of a task, in milliseconds. */
export interface TaskLimits {
  timeoutMs: number | undefined;
  /** At the latest this long after the last beat the next one must come. */
  heartbeat: { everyMs: number; lastBeat: () => number } | undefined;
}

/**
 * The work's result, unless a limit is reached first; the work itself is not stopped, as Step Functions stops no Lambda.
 * @throws StateError `States.Timeout` or `States.HeartbeatTimeout`
 */
export async function withinLimits<Result>(
  work: Promise<Result>,
  { timeoutMs, heartbeat }: TaskLimits,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result> {
  const done = new AbortController();
  const timers = AbortSignal.any([done.signal, signal]);
  const racers = [work, untilAborted(signal, done.signal)];
  if (timeoutMs !== undefined)
    racers.push(
      clock.sleep(timeoutMs, timers).then(() => {
        throw new StateError('States.Timeout', `the task was not done within ${timeoutMs / 1000} s`);
      }),
    );
  if (heartbeat !== undefined) racers.push(untilSilent(heartbeat, clock, timers));
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

async function untilSilent(
  { everyMs, lastBeat }: NonNullable<TaskLimits['heartbeat']>,
  clock: Clock,
  signal: AbortSignal,
): Promise<never> {
  for (let due = lastBeat() + everyMs; due > clock.now(); due = lastBeat() + everyMs)
    await clock.sleep(due - clock.now(), signal);
  throw new StateError('States.HeartbeatTimeout', `no heartbeat came for ${everyMs / 1000} s`);
}
