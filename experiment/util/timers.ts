import type { Clock } from './clock.ts';

/** Does the work once `ms` have passed. @returns cancels it */
export function after(clock: Clock, ms: number, work: () => void): () => void {
  const cancelled = new AbortController();
  void sleptThrough(clock, ms, cancelled.signal).then((slept) => {
    if (slept) work();
  });
  return () => cancelled.abort();
}

/** Does the work again and again, so long apart. @returns ends that */
export function every(clock: Clock, ms: number, work: () => void): () => void {
  const stopped = new AbortController();
  const repeat = async () => {
    while (await sleptThrough(clock, ms, stopped.signal)) work();
  };
  void repeat();
  return () => stopped.abort();
}

/** The work's answer; after `ms`, `late` answers or throws instead, and the work is left to itself. */
export async function within<Answer, Late>(
  clock: Clock,
  ms: number,
  work: Promise<Answer>,
  late: () => Late,
): Promise<Answer | Late> {
  const settled = new AbortController();
  const limit = clock.sleep(ms, settled.signal).then(late);
  limit.catch(() => undefined); // awaited only in the race
  work.catch(() => undefined); // a failure after the limit is nobody's
  try {
    return await Promise.race([work, limit]);
  } finally {
    settled.abort();
  }
}

/** The work, with a signal that is aborted once `ms` have passed. */
export async function withDeadline<Answer>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const over = new AbortController();
  const cancel = after(clock, ms, () => over.abort());
  try {
    return await work(over.signal);
  } finally {
    cancel();
  }
}

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The work's result; it is left to itself once the signal is aborted. @throws the signal's reason */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return Promise.race([promise, work]).finally(() => signal.removeEventListener('abort', onAbort));
}

async function sleptThrough(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
