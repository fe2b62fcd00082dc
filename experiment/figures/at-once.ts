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
