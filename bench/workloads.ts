import type { Scheme, Workload } from './options.ts';

/** Tasks to run, and how long they would take if starting them cost nothing. */
export interface Tasks {
  commands: readonly string[];
  /** Seconds of each task, in order. */
  seconds: readonly number[];
}

/** A local GNU parallel opens all files by itself, one after another. */
const FEWER_ON_SLOW_STORAGE: Partial<Record<Scheme, number>> = { stock: 200, parallel: 1000 };

/**
 * The tasks of one workload. A scheme that starts a few tasks a second gets fewer of the short ones: rates are compared,
 * and it reaches its own within these.
 */
export function tasksOf(workload: Workload, scheme: Scheme, slots: number, wanted?: number): Tasks {
  const slow = scheme === 'stock';
  switch (workload) {
    case 'slow-storage':
      return numbered(wanted ?? FEWER_ON_SLOW_STORAGE[scheme] ?? 20_000, (seq) => [`true ${seq}`, 0]);
    case 'no-op':
      return numbered(wanted ?? (slow ? 400 : 4000), (seq) => [`true ${seq}`, 0]);
    case '10ms':
      return numbered(wanted ?? (slow ? 400 : 4000), (seq) => [`sleep 0.01 # ${seq}`, 0.01]);
    case '1s':
      return numbered(wanted ?? 5 * slots, (seq) => [`sleep 1 # ${seq}`, 1]);
    case 'heavy-tail':
      return numbered(wanted ?? 400, (seq) => {
        // One in a hundred takes fifty times as long; the last of them comes late in the list.
        const seconds = seq % 100 === 90 ? 2.5 : 0.05;
        return [`sleep ${seconds} # ${seq}`, seconds];
      });
  }
}

/** How long tasks take in order on so many slots if nothing but they took time. */
export function idealSeconds({ seconds }: Tasks, slots: number): number {
  const free = Array.from({ length: slots }, () => 0);
  for (const one of seconds) {
    const first = free.indexOf(Math.min(...free));
    free[first] = (free[first] ?? 0) + one;
  }
  return Math.max(...free);
}

function numbered(count: number, task: (seq: number) => [string, number]): Tasks {
  const all = Array.from({ length: count }, (_, index) => task(index + 1));
  return { commands: all.map(([command]) => command), seconds: all.map(([, seconds]) => seconds) };
}
