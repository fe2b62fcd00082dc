import type { Clock } from '../../experiment/util/clock.ts';
import { every } from '../../experiment/util/timers.ts';

/** Being asked to end: by a signal, or by the death of the npm that started this process. */
export interface Interruption {
  /** Aborted by the first request. */
  asked: AbortSignal;
  /** Aborted by a second one: whoever asks again does not want to wait. */
  insisted: AbortSignal;
  stop(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** On Ctrl-C a terminal signals the whole group, and npm passes on what it got: one request arrives twice. */
const SAME_REQUEST_MS = 700;
const PARENT_LOOK_MS = 500;

/** @param throughNpm npm started this process: when npm dies without a word (kill -9), this is a request too */
export function listenForInterruption(clock: Clock, throughNpm: boolean): Interruption {
  const asked = new AbortController();
  const insisted = new AbortController();
  let firstAt = 0;
  const request = () => {
    if (!asked.signal.aborted) {
      firstAt = clock.now();
      asked.abort();
    } else if (clock.now() - firstAt > SAME_REQUEST_MS) {
      insisted.abort();
    }
  };
  for (const name of SIGNALS) process.on(name, request);
  const parent = process.ppid;
  const look = () => {
    if (process.ppid !== parent && !asked.signal.aborted) request();
  };
  const stopLooking = throughNpm ? every(clock, PARENT_LOOK_MS, look) : undefined;
  return {
    asked: asked.signal,
    insisted: insisted.signal,
    stop: () => {
      stopLooking?.();
      for (const name of SIGNALS) process.off(name, request);
    },
  };
}
