import type { TaskTable } from '../../experiment/results/task-table.ts';
import { Endings } from './endings.ts';
import type { NewBars } from './format.ts';
import { encodeLanes } from './format.ts';
import { Tries } from './tries.ts';

/** A bar has at most 22 bytes, as base64 30: under 200 kB. */
const MOST_BARS = 6000;
/** Hosts are at most 255 characters of four bytes: under 56 kB together. */
const MOST_HOSTS = 1000;
const MOST_HOST_LETTERS = 14_000;

/** Bars from a place among the tries on, as many as one step may have. @param origin of the time axis, milliseconds since the epoch */
export function newBars(tasks: TaskTable, origin: number, from: number): NewBars | undefined {
  const to = placeToEnd(tasks, from);
  if (to <= from) return undefined;
  const endings = new Endings();
  const tries = new Tries({ tasks }, origin, endings);
  const ofHost = tries.ofHosts(from, to);
  const lists = [...ofHost.values()].map((places) => places.map((place) => tries.bar(place)));
  const bytes = encodeLanes(lists);
  return {
    tries: to,
    isCut: to < tasks.tries.size,
    hosts: [...ofHost.keys()],
    endings: endings.words(),
    bars: to - from,
    lists: Buffer.from(bytes).toString('base64'),
  };
}

function placeToEnd({ tries, hosts }: TaskTable, from: number): number {
  const seen = new Set<number>();
  let letters = 0;
  const most = Math.min(tries.size, from + MOST_BARS);
  for (let at = from; at < most; at += 1) {
    const host = tries.host[at] ?? 0;
    if (seen.has(host)) continue;
    seen.add(host);
    letters += hosts[host]?.length ?? 0;
    if (at > from && (seen.size > MOST_HOSTS || letters > MOST_HOST_LETTERS)) return at;
  }
  return Math.max(from, most);
}
