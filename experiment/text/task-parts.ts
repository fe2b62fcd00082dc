import { grouped } from './numbers.ts';

interface Counts {
  total: number;
  succeeded: number;
  failed: number;
  before?: number | undefined;
  running?: number | undefined;
  lost?: number | undefined;
  cutOff?: number | undefined;
  notStarted?: number | undefined;
}

/**
 * `9 succeeded`, `1 cut off`, `7 not started`: what became of the tasks, so that what is said adds up to all of them. What
 * nobody can tell apart is `not finished`.
 * @param but what the sentence says already
 */
export function taskParts(counts: Counts, but: 'failed' | 'succeeded'): string[] {
  const { total, succeeded, failed, before = 0, running = 0, lost = 0, cutOff = 0, notStarted = 0 } = counts;
  const parts: [string, number][] = [
    ['done before', but === 'succeeded' ? 0 : before],
    ['succeeded', but === 'succeeded' ? 0 : succeeded - before],
    ['failed', but === 'failed' ? 0 : failed],
    ['running', running],
    ['lost', lost],
    ['cut off', cutOff],
    ['not started', notStarted],
    ['not finished', total - succeeded - failed - running - lost - cutOff - notStarted],
  ];
  return parts.filter(([, count]) => count > 0).map(([words, count]) => `${grouped(count)} ${words}`);
}
