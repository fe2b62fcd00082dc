import type { JoblogRow } from './joblog.ts';
import { succeeded } from './joblog.ts';

/**
 * The final row of each sequence number, in columns: under 100 bytes a task, so that a joblog of a million rows is read
 * as a stream. Commands are kept only for the slowest and for the first failed tasks, and cut at 2,000 characters.
 */
export interface TaskTable {
  /** Rows in the table. */
  readonly size: number;
  readonly seqs: Uint32Array;
  /** Index into {@link TaskTable.hosts}. */
  readonly host: Uint16Array;
  readonly hosts: readonly string[];
  /** Seconds since the epoch. */
  readonly start: Float64Array;
  /** Seconds. */
  readonly runtime: Float64Array;
  readonly exitval: Int16Array;
  readonly signal: Uint8Array;
  /** Tries that another one of the same task followed, where the joblog still holds them; the first 20,000. */
  readonly earlier: readonly EarlierTry[];
  /** By sequence number: of the slowest tasks and of failed ones. */
  readonly commands: ReadonlyMap<number, string>;
  /** Rows of the slowest tasks, slowest first. */
  readonly slowest: readonly number[];
}

/** A try whose row was followed by another of the same sequence number. Times in seconds as in the table. */
interface EarlierTry {
  seq: number;
  host: number;
  start: number;
  runtime: number;
  exitval: number;
  signal: number;
}

const EARLIER = 20_000;
/** How many slow tasks and how many failed ones keep their command. */
const SLOWEST = 20;
const FAILED_COMMANDS = 2000;
const LONGEST_COMMAND = 2000;

/**
 * Reads rows as they come, from a stream or an array. Of several rows with one sequence number the last counts.
 * Rows of more than 65,535 different hosts are put to the last of them.
 */
export async function readTasks(rows: Iterable<JoblogRow> | AsyncIterable<JoblogRow>): Promise<TaskTable> {
  const table = new Builder();
  for await (const row of rows) table.add(row);
  return table.finish();
}

/** True when the task at this place of the table did what it was asked to. */
export function taskSucceeded(table: TaskTable, at: number): boolean {
  return succeeded({ exitval: table.exitval[at] ?? 0, signal: table.signal[at] ?? 0 });
}

/**
 * Sequence numbers of failed tasks whose stderr is worth reading to group the failures: all when there are few, else
 * the first ones of each exit code, evenly, so that a rare failure is not hidden behind a common one.
 */
export function failedToRead(table: TaskTable, most: number): number[] {
  const byCode = new Map<string, number[]>();
  for (let at = 0; at < table.size; at += 1) {
    if (taskSucceeded(table, at)) continue;
    const code = `${table.exitval[at]}/${table.signal[at]}`;
    const seqs = byCode.get(code) ?? [];
    byCode.set(code, seqs);
    if (seqs.length < most) seqs.push(table.seqs[at] ?? 0);
  }
  const picked: number[] = [];
  for (let turn = 0; turn < most && picked.length < most; turn += 1) {
    for (const seqs of byCode.values()) {
      const seq = seqs[turn];
      if (seq !== undefined && picked.length < most) picked.push(seq);
    }
  }
  return picked.sort((a, b) => a - b);
}

class Builder {
  #size = 0;
  #seqs = new Uint32Array(1024);
  #host = new Uint16Array(1024);
  #start = new Float64Array(1024);
  #runtime = new Float64Array(1024);
  #exitval = new Int16Array(1024);
  #signal = new Uint8Array(1024);
  readonly #places = new Map<number, number>();
  readonly #hosts = new Map<string, number>();
  readonly #earlier: EarlierTry[] = [];
  readonly #failed = new Map<number, string>();
  /** Twice as many as are shown, because a row may be replaced by a faster one later. */
  readonly #slow = new SlowTasks(2 * SLOWEST);

  add(row: JoblogRow): void {
    const known = this.#places.get(row.seq);
    const at = known ?? this.#size;
    if (known === undefined) {
      if (at === this.#seqs.length) this.#grow();
      this.#places.set(row.seq, at);
      this.#size += 1;
    } else {
      this.#keepEarlier(at);
      this.#failed.delete(row.seq);
      this.#slow.drop(row.seq);
    }
    this.#seqs[at] = row.seq;
    this.#host[at] = this.#hostIndex(row.host);
    this.#start[at] = row.startTime;
    this.#runtime[at] = row.runtime;
    this.#exitval[at] = row.exitval;
    this.#signal[at] = row.signal;
    this.#slow.offer(row);
    if (!succeeded(row) && this.#failed.size < FAILED_COMMANDS)
      this.#failed.set(row.seq, shortened(row.command));
  }

  finish(): TaskTable {
    const slowest = this.#slow.slowest(SLOWEST);
    const commands = new Map(this.#failed);
    for (const { seq, command } of slowest) commands.set(seq, command);
    return {
      size: this.#size,
      seqs: this.#seqs.subarray(0, this.#size),
      host: this.#host.subarray(0, this.#size),
      hosts: [...this.#hosts.keys()],
      start: this.#start.subarray(0, this.#size),
      runtime: this.#runtime.subarray(0, this.#size),
      exitval: this.#exitval.subarray(0, this.#size),
      signal: this.#signal.subarray(0, this.#size),
      earlier: this.#earlier,
      commands,
      slowest: slowest.map(({ seq }) => this.#places.get(seq) ?? 0),
    };
  }

  #keepEarlier(at: number): void {
    if (this.#earlier.length === EARLIER) return;
    this.#earlier.push({
      seq: this.#seqs[at] ?? 0,
      host: this.#host[at] ?? 0,
      start: this.#start[at] ?? 0,
      runtime: this.#runtime[at] ?? 0,
      exitval: this.#exitval[at] ?? 0,
      signal: this.#signal[at] ?? 0,
    });
  }

  #hostIndex(host: string): number {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    if (this.#hosts.size === 0xffff) return 0xfffe;
    this.#hosts.set(host, this.#hosts.size);
    return this.#hosts.size - 1;
  }

  #grow(): void {
    const longer = <T extends { length: number; set(from: T): void }>(
      column: T,
      make: (length: number) => T,
    ): T => {
      const wider = make(2 * column.length);
      wider.set(column);
      return wider;
    };
    this.#seqs = longer(this.#seqs, (length) => new Uint32Array(length));
    this.#host = longer(this.#host, (length) => new Uint16Array(length));
    this.#start = longer(this.#start, (length) => new Float64Array(length));
    this.#runtime = longer(this.#runtime, (length) => new Float64Array(length));
    this.#exitval = longer(this.#exitval, (length) => new Int16Array(length));
    this.#signal = longer(this.#signal, (length) => new Uint8Array(length));
  }
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
