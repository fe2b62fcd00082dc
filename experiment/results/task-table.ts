import type { Ending } from '../records/ending.ts';
import { endingOf, endingWords } from '../records/ending.ts';
import type { JoblogRow } from './joblog.ts';
import { succeeded } from './joblog.ts';

/** Rows of a joblog in columns, under 40 bytes each, so that one of a million rows is read as a stream. */
export interface TryColumns {
  readonly size: number;
  readonly seqs: Uint32Array;
  /** Index into {@link TaskTable.hosts}. */
  readonly host: Uint16Array;
  /** Seconds since the epoch. */
  readonly start: Float64Array;
  /** Seconds. */
  readonly runtime: Float64Array;
  readonly ending: readonly Ending[];
}

/**
 * The tasks that this run started, each with its final row. Commands are kept only for the slowest and for the first failed
 * tasks, and cut at 2,000 characters.
 */
export interface TaskTable extends TryColumns {
  readonly hosts: readonly string[];
  /** Every try of this run, in the order in which they ended. */
  readonly tries: TryColumns;
  /** Tasks that the runs which this one resumes had done, and this run did not start: their final rows. */
  readonly earlier: TryColumns;
  /** By sequence number: of the slowest tasks and of failed ones. */
  readonly commands: ReadonlyMap<number, string>;
  /** Rows of the slowest tasks, slowest first. */
  readonly slowest: readonly number[];
}

/** How many slow tasks and how many failed ones keep their command. */
const SLOWEST = 20;
const FAILED_COMMANDS = 2000;
const LONGEST_COMMAND = 2000;

/**
 * Reads rows as they come, from a stream or an array. Of several rows with one sequence number the last counts.
 * Rows of more than 65,535 different hosts are put to the last of them.
 * @param began of this run, milliseconds since the epoch: rows of tasks that began before are those of the runs it resumes
 * @param ending of a row: whoever knows more than it says
 */
export async function readTasks(
  rows: Iterable<JoblogRow> | AsyncIterable<JoblogRow>,
  began = Number.NEGATIVE_INFINITY,
  ending: (row: JoblogRow) => Ending = endingOf,
): Promise<TaskTable> {
  const table = new TaskTableBuilder(began, ending);
  for await (const row of rows) table.add(row);
  return table.table();
}

/** True when the task at this place of the table did what it was asked to. */
export function taskSucceeded(table: TaskTable, at: number): boolean {
  return table.ending[at]?.kind === 'succeeded';
}

/**
 * Sequence numbers of failed tasks whose stderr is worth reading to group the failures: all when there are few, else
 * the first ones of each way to end, evenly, so that a rare failure is not hidden behind a common one.
 */
export function failedToRead(table: TaskTable, most: number): number[] {
  const byEnding = new Map<Ending, number[]>();
  for (let at = 0; at < table.size; at += 1) {
    if (taskSucceeded(table, at)) continue;
    const ending = table.ending[at];
    if (ending === undefined) continue;
    const seqs = byEnding.get(ending) ?? [];
    byEnding.set(ending, seqs);
    if (seqs.length < most) seqs.push(table.seqs[at] ?? 0);
  }
  const picked: number[] = [];
  for (let turn = 0; turn < most && picked.length < most; turn += 1) {
    for (const seqs of byEnding.values()) {
      const seq = seqs[turn];
      if (seq !== undefined && picked.length < most) picked.push(seq);
    }
  }
  return picked.sort((a, b) => a - b);
}

/** A table that grows: what it has so far can be taken as often as is wanted. */
export class TaskTableBuilder {
  readonly #began: number;
  readonly #endingOf: (row: JoblogRow) => Ending;
  /** By their words: a table has few ways to end and many rows. */
  readonly #endings = new Map<string, Ending>();
  readonly #tries = new Columns();
  /** By sequence number, the place of the last try + 1; a Map of a million takes ten times as much. */
  #last = new Uint32Array(1024);
  #started = 0;
  readonly #earlier = new Columns();
  /** Their places among the earlier rows. */
  readonly #before = new Map<number, number>();
  readonly #hosts = new Map<string, number>();
  readonly #failed = new Map<number, string>();
  /** Twice as many as are shown, because a row may be replaced by a faster one later. */
  readonly #slow = new SlowTasks(2 * SLOWEST);

  constructor(began = Number.NEGATIVE_INFINITY, ending: (row: JoblogRow) => Ending = endingOf) {
    this.#began = began;
    this.#endingOf = ending;
  }

  add(row: JoblogRow): void {
    if (row.startTime * 1000 < this.#began) {
      if (!succeeded(row)) return;
      this.#before.set(row.seq, this.#earlier.size);
      this.#earlier.add(row, this.#hostIndex(row.host), this.#ending(row));
      return;
    }
    if (row.seq >= this.#last.length) this.#last = widened(this.#last, row.seq + 1);
    if (this.#last[row.seq] === 0) this.#started += 1;
    else {
      this.#failed.delete(row.seq);
      this.#slow.drop(row.seq);
    }
    this.#last[row.seq] = this.#tries.size + 1;
    this.#before.delete(row.seq);
    this.#tries.add(row, this.#hostIndex(row.host), this.#ending(row));
    this.#slow.offer(row);
    if (!succeeded(row) && this.#failed.size < FAILED_COMMANDS)
      this.#failed.set(row.seq, shortened(row.command));
  }

  table(): TaskTable {
    const slowest = this.#slow.slowest(SLOWEST);
    const commands = new Map(this.#failed);
    for (const { seq, command } of slowest) commands.set(seq, command);
    const tries = this.#tries.columns();
    const final = this.#started === tries.size ? tries : pick(tries, this.#finalPlaces(tries));
    const places = new Map(slowest.map(({ seq }) => [seq, 0]));
    for (let at = 0; at < final.size; at += 1) {
      const seq = final.seqs[at] ?? 0;
      if (places.has(seq)) places.set(seq, at);
    }
    return {
      ...final,
      hosts: [...this.#hosts.keys()],
      tries,
      earlier: pick(this.#earlier.columns(), [...this.#before.values()]),
      commands,
      slowest: slowest.map(({ seq }) => places.get(seq) ?? 0),
    };
  }

  /** In the order in which tasks had their first try. */
  #finalPlaces({ seqs }: TryColumns): number[] {
    const places: number[] = [];
    const last = this.#last.slice();
    for (const seq of seqs) {
      const place = last[seq] ?? 0;
      if (place > 0) places.push(place - 1);
      last[seq] = 0;
    }
    return places;
  }

  #ending(row: JoblogRow): Ending {
    const ending = this.#endingOf(row);
    const words = endingWords(ending);
    const known = this.#endings.get(words) ?? ending;
    this.#endings.set(words, known);
    return known;
  }

  #hostIndex(host: string): number {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    if (this.#hosts.size === 0xffff) return 0xfffe;
    this.#hosts.set(host, this.#hosts.size);
    return this.#hosts.size - 1;
  }
}

function widened(column: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(Math.max(2 * column.length, length));
  wider.set(column);
  return wider;
}

function columnsOf(length: number) {
  return {
    seqs: new Uint32Array(length),
    host: new Uint16Array(length),
    start: new Float64Array(length),
    runtime: new Float64Array(length),
    ending: [] as Ending[],
  };
}

/** Grows by doubling. */
class Columns {
  size = 0;
  #kept = columnsOf(1024);

  add(row: JoblogRow, host: number, ending: Ending): void {
    const at = this.size;
    if (at === this.#kept.seqs.length) this.#grow();
    this.#kept.seqs[at] = row.seq;
    this.#kept.host[at] = host;
    this.#kept.start[at] = row.startTime;
    this.#kept.runtime[at] = row.runtime;
    this.#kept.ending.push(ending);
    this.size += 1;
  }

  columns(): TryColumns {
    const { size } = this;
    const { seqs, host, start, runtime, ending } = this.#kept;
    return {
      size,
      seqs: seqs.subarray(0, size),
      host: host.subarray(0, size),
      start: start.subarray(0, size),
      runtime: runtime.subarray(0, size),
      ending,
    };
  }

  #grow(): void {
    const wider = { ...columnsOf(2 * this.size), ending: this.#kept.ending };
    wider.seqs.set(this.#kept.seqs);
    wider.host.set(this.#kept.host);
    wider.start.set(this.#kept.start);
    wider.runtime.set(this.#kept.runtime);
    this.#kept = wider;
  }
}

function pick(from: TryColumns, places: readonly number[]): TryColumns {
  const picked = columnsOf(places.length);
  places.forEach((place, at) => {
    picked.seqs[at] = from.seqs[place] ?? 0;
    picked.host[at] = from.host[place] ?? 0;
    picked.start[at] = from.start[place] ?? 0;
    picked.runtime[at] = from.runtime[place] ?? 0;
  });
  const ending = places.flatMap((place) => from.ending[place] ?? []);
  return { size: places.length, ...picked, ending };
}

/** The slowest rows seen so far, kept sorted; most rows are turned away by one comparison. */
class SlowTasks {
  #kept: { seq: number; runtime: number; command: string }[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  offer({ seq, runtime, command }: JoblogRow): void {
    const fastest = this.#kept.at(-1);
    const full = this.#kept.length === this.#most;
    if (full && fastest !== undefined && runtime <= fastest.runtime) return;
    if (full) this.#kept.pop();
    const place = this.#kept.findIndex((kept) => kept.runtime < runtime);
    this.#kept.splice(place === -1 ? this.#kept.length : place, 0, {
      seq,
      runtime,
      command: shortened(command),
    });
  }

  drop(seq: number): void {
    this.#kept = this.#kept.filter((kept) => kept.seq !== seq);
  }

  slowest(many: number): readonly { seq: number; command: string }[] {
    return this.#kept.slice(0, many);
  }
}

function shortened(command: string): string {
  if (command.length <= LONGEST_COMMAND) return command;
  return `${command.slice(0, LONGEST_COMMAND)}… (${command.length} characters)`;
}
