import type { Ending } from '../../experiment/records/ending.ts';
import { endingWords } from '../../experiment/records/ending.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { OpenTry } from '../../experiment/records/progress.ts';
import { Lanes, MOST_LANES } from '../../experiment/results/lanes.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import type { ReportInput } from '../page/input.ts';

/** How a bar of the timeline ended. `retried` is a try that another one followed, `open` one without a row. */
export const BAR = { succeeded: 0, failed: 1, retried: 2, open: 3 } as const;
export type BarKind = (typeof BAR)[keyof typeof BAR];

/** One try of one task on the timeline. Times in whole milliseconds from the timeline's origin. */
export interface Bar {
  seq: number;
  start: number;
  duration: number;
  kind: BarKind;
  /** Place among {@link Endings}. */
  ending: number;
}

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

/** One lane: its bars in the order of time and without overlap, made when they are asked for. */
class Lane {
  readonly #places: number[] = [];
  readonly #barAt: (place: number) => Bar;

  constructor(barAt: (place: number) => Bar) {
    this.#barAt = barAt;
  }

  add(place: number): void {
    this.#places.push(place);
  }

  bars(): Bar[] {
    return this.#places.map(this.#barAt);
  }
}

/** A node of the timeline and its slots as lanes. */
export interface NodeLanes {
  /** As people know it: `node 3`; a host that nodes.json does not know goes by its address. */
  name: string;
  address: string;
  record: NodeRecord | undefined;
  lanes: Lane[];
}

/**
 * Every try in a lane of its node. A node has at least as many lanes as slots; clocks that jumped may need more, up to a
 * bound. Nodes in the order of their index, unknown hosts last. Of a million tries numbers are held, and no objects.
 */
export function arrangeLanes(
  { tasks, nodes, open = [] }: Pick<ReportInput, 'tasks' | 'nodes' | 'open'>,
  origin: number,
  endings: Endings,
): NodeLanes[] {
  const tries = new Tries(tasks, open, origin, endings);
  const ofHost = placesOfHosts(tasks);
  const addressOf = new Map(nodes.map(({ index, address = '' }) => [index, address]));
  for (const [at, { node }] of open.entries()) {
    const address = addressOf.get(node) ?? `node ${node}`;
    ofHost.set(address, [...(ofHost.get(address) ?? []), tasks.tries.size + at]);
  }
  const known = [...nodes]
    .sort((a, b) => a.index - b.index)
    .map((record) => {
      const address = record.address ?? '';
      const places = ofHost.get(address) ?? [];
      ofHost.delete(address);
      return { name: `node ${record.index}`, address, record, lanes: tries.lanes(places, record.slots) };
    });
  const unknown = [...ofHost].map(([address, places]) => ({
    name: address,
    address,
    record: undefined,
    lanes: tries.lanes(places, 1),
  }));
  return [...known, ...unknown];
}

function placesOfHosts({ hosts, tries }: TaskTable): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let at = 0; at < tries.size; at += 1) {
    const name = hosts[tries.host[at] ?? 0] ?? '';
    const list = places.get(name);
    if (list === undefined) places.set(name, [at]);
    else list.push(at);
  }
  return places;
}

/** Tries with a row by their place, and behind them those without one. */
class Tries {
  readonly #tasks: TaskTable;
  readonly #open: readonly OpenTry[];
  readonly #origin: number;
  readonly #endings: Endings;
  /** By sequence number; of a run in which no task was tried twice every row is a task's last. */
  readonly #last = new Map<number, number>();

  constructor(tasks: TaskTable, open: readonly OpenTry[], origin: number, endings: Endings) {
    this.#tasks = tasks;
    this.#open = open;
    this.#origin = origin;
    this.#endings = endings;
    const { tries } = tasks;
    if (tries.size > tasks.size)
      for (let at = 0; at < tries.size; at += 1) this.#last.set(tries.seqs[at] ?? 0, at);
  }

  lanes(places: number[], slots: number): Lane[] {
    const filled = new Lanes();
    const barAt = (place: number) => this.#barAt(place);
    const lanes = Array.from({ length: Math.max(1, Math.min(slots, MOST_LANES)) }, () => new Lane(barAt));
    places.sort((a, b) => this.#start(a) - this.#start(b) || this.#seq(a) - this.#seq(b));
    for (const place of places) {
      const lane = filled.place(this.#start(place), this.#duration(place));
      lanes[lane] ??= new Lane(barAt);
      lanes[lane].add(place);
    }
    return lanes;
  }

  #barAt(place: number): Bar {
    const { kind, ending } = this.#end(place);
    const seq = this.#seq(place);
    return {
      seq,
      start: this.#start(place),
      duration: this.#duration(place),
      kind,
      ending: this.#endings.place(ending),
    };
  }

  #end(place: number): { kind: BarKind; ending: Ending } {
    const { tries } = this.#tasks;
    const open = this.#openAt(place);
    if (open !== undefined) return { kind: BAR.open, ending: { kind: open.end } };
    const ending = tries.ending[place] ?? { kind: 'succeeded' };
    const ended = ending.kind === 'succeeded' ? BAR.succeeded : BAR.failed;
    const isLast = (this.#last.get(this.#seq(place)) ?? place) === place;
    return { kind: isLast ? ended : BAR.retried, ending };
  }

  #seq(place: number): number {
    return this.#openAt(place)?.seq ?? this.#tasks.tries.seqs[place] ?? 0;
  }

  #start(place: number): number {
    const open = this.#openAt(place);
    const ms = open === undefined ? (this.#tasks.tries.start[place] ?? 0) * 1000 : Date.parse(open.startedAt);
    return Math.max(0, Math.round(ms - this.#origin));
  }

  #duration(place: number): number {
    const open = this.#openAt(place);
    if (open === undefined) return Math.max(0, Math.round((this.#tasks.tries.runtime[place] ?? 0) * 1000));
    return Math.max(0, Math.round(Date.parse(open.endedAt) - Date.parse(open.startedAt)));
  }

  #openAt(place: number): OpenTry | undefined {
    return this.#open[place - this.#tasks.tries.size];
  }
}
