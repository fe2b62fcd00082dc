import type { Ending } from '../../experiment/records/ending.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import type { ReportInput } from '../page/input.ts';
import type { Endings } from './endings.ts';
import type { Bar, BarKind } from './format.ts';
import { BAR } from './format.ts';

/**
 * Every try of a run by its place: those with a row first, behind them those without one. Of a million nothing is held but
 * columns; a bar is made when it is asked for.
 */
export class Tries {
  readonly #tasks: TaskTable;
  readonly #open: NonNullable<ReportInput['open']>;
  readonly #origin: number;
  readonly #endings: Endings;
  /** By sequence number; where no task was tried twice, every row is a task's last. */
  readonly #last = new Map<number, number>();

  /** @param origin of the time axis, milliseconds since the epoch */
  constructor({ tasks, open = [] }: Pick<ReportInput, 'tasks' | 'open'>, origin: number, endings: Endings) {
    this.#tasks = tasks;
    this.#open = open;
    this.#origin = origin;
    this.#endings = endings;
    const { tries } = tasks;
    if (tries.size > tasks.size)
      for (let at = 0; at < tries.size; at += 1) this.#last.set(tries.seqs[at] ?? 0, at);
  }

  bar(place: number): Bar {
    const { kind, ending } = this.#end(place);
    const [seq, start, duration] = [this.seq(place), this.start(place), this.duration(place)];
    return { seq, start, duration, kind, ending: this.#endings.place(ending) };
  }

  seq(place: number): number {
    return this.#openAt(place)?.seq ?? this.#tasks.tries.seqs[place] ?? 0;
  }

  start(place: number): number {
    const open = this.#openAt(place);
    const ms = open === undefined ? (this.#tasks.tries.start[place] ?? 0) * 1000 : Date.parse(open.startedAt);
    return Math.max(0, Math.round(ms - this.#origin));
  }

  duration(place: number): number {
    const open = this.#openAt(place);
    if (open === undefined) return Math.max(0, Math.round((this.#tasks.tries.runtime[place] ?? 0) * 1000));
    return Math.max(0, Math.round(Date.parse(open.endedAt) - Date.parse(open.startedAt)));
  }

  /** Places of those with a row by their host. */
  ofHosts(from = 0, to = this.#tasks.tries.size): Map<string, number[]> {
    const { hosts, tries } = this.#tasks;
    const places = new Map<string, number[]>();
    for (let at = from; at < to; at += 1) {
      const name = hosts[tries.host[at] ?? 0] ?? '';
      const list = places.get(name);
      if (list === undefined) places.set(name, [at]);
      else list.push(at);
    }
    return places;
  }

  #end(place: number): { kind: BarKind; ending: Ending } {
    const open = this.#openAt(place);
    if (open !== undefined) return { kind: BAR.open, ending: { kind: open.end } };
    const ending = this.#tasks.tries.ending[place] ?? { kind: 'succeeded' };
    const ended = ending.kind === 'succeeded' ? BAR.succeeded : BAR.failed;
    const isLast = (this.#last.get(this.seq(place)) ?? place) === place;
    return { kind: isLast ? ended : BAR.retried, ending };
  }

  #openAt(place: number) {
    return this.#open[place - this.#tasks.tries.size];
  }
}
