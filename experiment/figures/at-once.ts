import type { TaskTable } from '../results/task-table.ts';

/** The most tries that ran at once on each host, by its address; of those that began at `from` or later (ms since the epoch). */
export function mostAtOnce(
  { tries, hosts }: Pick<TaskTable, 'tries' | 'hosts'>,
  from: number,
): Map<string, number> {
  const changes = new Map<number, [at: number, by: 1 | -1][]>();
  for (let at = 0; at < tries.size; at += 1) {
    const start = tries.start[at] ?? 0;
    if (start * 1000 < from) continue;
    const host = tries.host[at] ?? 0;
    const list = changes.get(host) ?? [];
    changes.set(host, list);
    list.push([start, 1], [start + (tries.runtime[at] ?? 0), -1]);
  }
  const most = new Map<string, number>();
  for (const [host, list] of changes) {
    // What ends as another begins was not there at once with it.
    list.sort(([a, one], [b, other]) => a - b || one - other);
    let now = 0;
    let top = 0;
    for (const [, by] of list) {
      now += by;
      top = Math.max(top, now);
    }
    most.set(hosts[host] ?? '', top);
  }
  return most;
}

/** Of so many tries that memory ended it is looked at how many ran beside them. */
const LOOKED_AT = 20;

/**
 * How many tasks fit in a node's memory at most: one fewer than ran there when the kernel ended one for want of memory, the
 * fewest of these; 0 where one that was alone ran out of it. Undefined where none did.
 */
export function mostThatFit({ tries }: Pick<TaskTable, 'tries'>): number | undefined {
  let fit: number | undefined;
  let looked = 0;
  for (let at = 0; at < tries.size && looked < LOOKED_AT; at += 1) {
    if (tries.ending[at]?.kind !== 'memory') continue;
    looked += 1;
    const end = (tries.start[at] ?? 0) + (tries.runtime[at] ?? 0);
    let there = 0;
    for (let other = 0; other < tries.size; other += 1) {
      const start = tries.start[other] ?? 0;
      if (tries.host[other] !== tries.host[at] || start >= end) continue;
      if (start + (tries.runtime[other] ?? 0) >= end) there += 1;
    }
    fit = Math.min(fit ?? Number.POSITIVE_INFINITY, Math.max(0, there - 1));
  }
  return fit;
}
