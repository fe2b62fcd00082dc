import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { taskSucceeded } from '../../experiment/results/task-table.ts';

/** How a bar of the timeline ended. `retried` is a try that another one followed. */
export const BAR = { succeeded: 0, failed: 1, retried: 2 } as const;
export type BarKind = (typeof BAR)[keyof typeof BAR];

/** One try of one task on the timeline. Times in whole milliseconds from the timeline's origin. */
export interface Bar {
  seq: number;
  start: number;
  duration: number;
  kind: BarKind;
  exitval: number;
  signal: number;
}

/** A node of the timeline and its slots as lanes, each lane's bars in the order of time and without overlap. */
export interface NodeLanes {
  /** As people know it: `node 3`; a host that nodes.json does not know goes by its address. */
  name: string;
  address: string;
  record: NodeRecord | undefined;
  lanes: Bar[][];
}

/**
 * Every task in a lane of its node. A joblog knows hosts and times but no slot, so slots are found again from what
 * overlaps: a task goes to the free lane that was busy last, as GNU parallel fills them. A node has at least as many
 * lanes as slots; clocks that jumped may need more. Nodes in the order of their index, unknown hosts last.
 */
export function arrangeLanes(tasks: TaskTable, nodes: readonly NodeRecord[], origin: number): NodeLanes[] {
  const ofHost = barsOfHosts(tasks, origin);
  const known = [...nodes]
    .sort((a, b) => a.index - b.index)
    .map((record) => {
      const address = record.address ?? '';
      const bars = ofHost.get(address) ?? [];
      ofHost.delete(address);
      return { name: `node ${record.index}`, address, record, lanes: fillLanes(bars, record.slots) };
    });
  const unknown = [...ofHost].map(([address, bars]) => ({
    name: address,
    address,
    record: undefined,
    lanes: fillLanes(bars, 1),
  }));
  return [...known, ...unknown];
}

function barsOfHosts(tasks: TaskTable, origin: number): Map<string, Bar[]> {
  const bars = new Map<string, Bar[]>();
  const put = (host: number, bar: Bar) => {
    const name = tasks.hosts[host] ?? '';
    const list = bars.get(name);
    if (list === undefined) bars.set(name, [bar]);
    else list.push(bar);
  };
  for (let at = 0; at < tasks.size; at += 1) {
    put(tasks.host[at] ?? 0, {
      ...times(tasks.start[at] ?? 0, tasks.runtime[at] ?? 0, origin),
      seq: tasks.seqs[at] ?? 0,
      kind: taskSucceeded(tasks, at) ? BAR.succeeded : BAR.failed,
      exitval: tasks.exitval[at] ?? 0,
      signal: tasks.signal[at] ?? 0,
    });
  }
  for (const { seq, host, start, runtime, exitval, signal } of tasks.earlier) {
    put(host, { ...times(start, runtime, origin), seq, kind: BAR.retried, exitval, signal });
  }
  return bars;
}

function times(start: number, runtime: number, origin: number): Pick<Bar, 'start' | 'duration'> {
  return {
    start: Math.max(0, Math.round(start * 1000 - origin)),
    duration: Math.max(0, Math.round(runtime * 1000)),
  };
}

/** Joblog times are rounded to milliseconds, each for itself: this much overlap is none. */
const ROUNDING = 2;

function fillLanes(bars: Bar[], slots: number): Bar[][] {
  bars.sort((a, b) => a.start - b.start || a.seq - b.seq);
  const lanes: Bar[][] = Array.from({ length: Math.max(1, Math.min(slots, 1024)) }, () => []);
  const ends: number[] = lanes.map(() => 0);
  for (const bar of bars) {
    let best = -1;
    for (let lane = 0; lane < lanes.length; lane += 1) {
      const end = ends[lane] ?? 0;
      if (end <= bar.start + ROUNDING && (best === -1 || end > (ends[best] ?? 0))) best = lane;
    }
    if (best === -1) best = lanes.push([]) - 1;
    lanes[best]?.push(bar);
    ends[best] = bar.start + bar.duration;
  }
  return lanes;
}
