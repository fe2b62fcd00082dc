import type { Ending } from '../../experiment/records/ending.ts';
import { endingWords } from '../../experiment/records/ending.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import type { ReportInput } from '../page/input.ts';
import { fillLanes } from './fill-lanes.ts';
import type { Bar } from './format.ts';
import { BAR } from './format.ts';

/** The ways to end that a timeline has, in words, each once. */
export class Endings {
  readonly #places = new Map<string, number>();

  place(ending: Ending): number {
    const words = endingWords(ending);
    const place = this.#places.get(words) ?? this.#places.size;
    this.#places.set(words, place);
    return place;
  }

  words(): string[] {
    return [...this.#places.keys()];
  }
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
 * Every try in a lane of its node. A node has at least as many lanes as slots; clocks that jumped may need more, up to a
 * bound. Nodes in the order of their index, unknown hosts last.
 */
export function arrangeLanes(
  { tasks, nodes, open = [] }: Pick<ReportInput, 'tasks' | 'nodes' | 'open'>,
  origin: number,
  endings: Endings,
): NodeLanes[] {
  const ofHost = barsOfHosts(tasks, origin, endings);
  const addressOf = new Map(nodes.map(({ index, address = '' }) => [index, address]));
  for (const { seq, node, startedAt, endedAt, end } of open) {
    const address = addressOf.get(node) ?? `node ${node}`;
    const start = Date.parse(startedAt) / 1000;
    const bar = times(start, Date.parse(endedAt) / 1000 - start, origin);
    const ending = endings.place({ kind: end });
    ofHost.set(address, [...(ofHost.get(address) ?? []), { ...bar, seq, kind: BAR.open, ending }]);
  }
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

/** @param from the place among the tries from which on they are wanted, up to before `to` */
export function barsOfHosts(
  tasks: TaskTable,
  origin: number,
  endings: Endings,
  { from = 0, to = tasks.tries.size }: { from?: number; to?: number } = {},
): Map<string, Bar[]> {
  const bars = new Map<string, Bar[]>();
  const put = (host: number, bar: Bar) => {
    const name = tasks.hosts[host] ?? '';
    const list = bars.get(name);
    if (list === undefined) bars.set(name, [bar]);
    else list.push(bar);
  };
  const { tries } = tasks;
  // Where no task was tried twice, every row is a task's last.
  const last = new Map<number, number>();
  if (tries.size > tasks.size) for (let at = 0; at < tries.size; at += 1) last.set(tries.seqs[at] ?? 0, at);
  for (let at = from; at < to; at += 1) {
    const seq = tries.seqs[at] ?? 0;
    const ending = tries.ending[at] ?? { kind: 'succeeded' };
    const ended = ending.kind === 'succeeded' ? BAR.succeeded : BAR.failed;
    const bar = times(tries.start[at] ?? 0, tries.runtime[at] ?? 0, origin);
    put(tries.host[at] ?? 0, {
      ...bar,
      seq,
      kind: (last.get(seq) ?? at) === at ? ended : BAR.retried,
      ending: endings.place(ending),
    });
  }
  return bars;
}

function times(start: number, runtime: number, origin: number): Pick<Bar, 'start' | 'duration'> {
  return {
    start: Math.max(0, Math.round(start * 1000 - origin)),
    duration: Math.max(0, Math.round(runtime * 1000)),
  };
}
