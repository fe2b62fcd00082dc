import type { TaskTable } from '../results/task-table.ts';

/** The most tries that ran at once on each host, by its address; of those that began at `from` or later (ms since the epoch). */
export function mostAtOnce(
  { tries, hosts }: Pick<TaskTable, 'tries' | 'hosts'>,
  from: number,
): Map<string, number> {
  const places = hosts.map((): number[] => []);
  for (let at = 0; at < tries.size; at += 1)
    if ((tries.start[at] ?? 0) * 1000 >= from) places[tries.host[at] ?? 0]?.push(at);
  const most = new Map<string, number>();
  places.forEach((of, host) => {
    if (of.length === 0) return;
    const starts = Float64Array.from(of, (at) => tries.start[at] ?? 0).sort();
    const ends = Float64Array.from(of, (at) => (tries.start[at] ?? 0) + (tries.runtime[at] ?? 0)).sort();
    let over = 0;
    let top = 0;
    starts.forEach((start, begun) => {
      // What ends as another begins was not there at once with it.
      while ((ends[over] ?? Number.POSITIVE_INFINITY) <= start && over <= begun) over += 1;
      top = Math.max(top, begun + 1 - over);
    });
    most.set(hosts[host] ?? '', top);
  });
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
