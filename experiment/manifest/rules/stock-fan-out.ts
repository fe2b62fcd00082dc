import type { Judged } from './rule-context.ts';

/** What GNU parallel alone cannot tell apart is told beforehand. */
export function judgeStock(judged: Judged): void {
  if (judged.at(['run', 'fanout']) !== 'stock') return;
  const retries = judged.number(['retry', 'tasks']) ?? 0;
  if (retries > 0)
    judged.warn(
      ['retry', 'tasks'],
      'stock-retries',
      'with fanout: stock GNU parallel retries, and cannot tell a lost host from a failed command',
    );
  if (judged.at(['timeouts', 'task']) !== undefined)
    judged.warn(
      ['timeouts', 'task'],
      'stock-timeout',
      'with fanout: stock GNU parallel keeps this limit, and its joblog cannot tell it from a failed command',
    );
}
