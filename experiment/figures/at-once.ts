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
