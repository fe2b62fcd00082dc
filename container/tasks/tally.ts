import { EndedTries, secondsLeft } from '../../experiment/figures/time-left.ts';
import type { Ending } from '../../experiment/records/ending.ts';
import type { OpenTry, TaskCounts } from '../../experiment/records/progress.ts';
import { MAX_OPEN } from '../../experiment/records/progress.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow, renderJoblogRow, succeeded } from '../../experiment/results/joblog.ts';
import type { Failure } from './failures.ts';
import { Failures } from './failures.ts';
import { joblogBytes } from './joblog-file.ts';

const RATE_SECONDS = 10;

/** What became of each task: the counts, the joblog's rows, the rate. */
export class TaskTally {
  readonly total: number;
  /** Rows that came in this attempt or count from earlier ones; changes tell a sender that there is something new. */
  version = 0;
  readonly #lines: string[] = [];
  /** Tasks that have a row, and whether the last of them is a success. */
  readonly #ended = new Map<number, boolean>();
  readonly failures = new Failures();
  /** The first of each kind, whose output is kept. */
  readonly #kept: JoblogRow[] = [];
  /** Tasks that left processes running, and those that were tried alone for want of memory. */
  leftBehind = 0;
  readonly triedAlone = new Set<number>();
  /** Under way: where, and since when (ms since the epoch). */
  readonly #running = new Map<number, { node: number; at: number }>();
  /** Started and ended nowhere yet: their node was lost, or they were cut off. */
  readonly #open = new Map<number, OpenTry>();
  readonly #done = new EndedTries();
  /** When the first task began, where starts are known. */
  #begunAt: number | undefined;
  readonly #tried = new Set<number>();
  /** Those that have more than one row. */
  readonly #retried = new Set<number>();
  readonly #perSecond = new Map<number, number>();
  #succeeded = 0;
  #failures = 0;

  /** @param earlier rows that the joblog had as this attempt began; a task whose last one is no success runs again */
  constructor(total: number, earlier: Iterable<JoblogRow>) {
    this.total = total;
    const last = new Map<number, JoblogRow>();
    for (const row of earlier) {
      this.#write(row);
      last.set(row.seq, row);
    }
    for (const row of last.values()) if (succeeded(row)) this.#count(row);
  }

  started(seq: number, node: number, at: number): void {
    this.#begunAt ??= at;
    this.#running.set(seq, { node, at });
  }

  /** This try failed, and another will follow. */
  retried(row: JoblogRow): void {
    this.#tryEnded(row);
  }

  ended(row: JoblogRow, now: number): void {
    const second = Math.floor(now / 1000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1);
    this.#tryEnded(row);
    this.#count(row);
  }

  /** What ran there has ended nowhere yet. */
  nodeLost(node: number, now: number): void {
    for (const [seq, { node: where }] of this.#running) if (where === node) this.#leaveOpen(seq, 'lost', now);
  }

  /** What still ran was cut off, and nothing runs any more. */
  cutOff(now: number): void {
    for (const seq of this.#running.keys()) this.#leaveOpen(seq, 'cut-off', now);
  }

  /** Tries that were started and have no row, of the first 10,000. */
  open(): readonly OpenTry[] {
    return [...this.#open.values()].slice(0, MAX_OPEN);
  }

  /** Whatever has a row has ended: of the others it is told which had been started, as far as starts are known. */
  counts(): TaskCounts {
    const open = [...this.#open.values()].filter(({ seq }) => !this.#tried.has(seq));
    const lost = open.filter(({ end }) => end === 'lost').length;
    const cutOff = open.length - lost;
    const ended = this.#succeeded + this.#failures;
    return {
      total: this.total,
      succeeded: this.#succeeded,
      failed: this.#failures,
      retried: this.#retried.size,
      ...(this.#begunAt !== undefined || ended === this.total
        ? { lost, cutOff, notStarted: Math.max(0, this.total - ended - lost - cutOff - this.#running.size) }
        : {}),
    };
  }

  /** Seconds until the last task ends and how long the oldest has run, as far as they can be told. */
  timeLeft(now: number, slots: number): { secondsLeft?: number; longestSeconds?: number } {
    if (this.#begunAt === undefined) return {};
    const ages = [...this.#running.values()].map(({ at }) => Math.max(0, now - at) / 1000);
    const left = this.total - this.#succeeded - this.#failures;
    const seconds = secondsLeft({
      left,
      slots,
      ages,
      ended: this.#done,
      rate: this.rate(now, this.#begunAt),
    });
    return {
      ...(seconds === undefined ? {} : { secondsLeft: seconds }),
      ...(ages.length === 0 ? {} : { longestSeconds: Math.max(...ages) }),
    };
  }

  has(seq: number): boolean {
    return this.#ended.has(seq);
  }

  /** Tasks ended a second over the last ten; over less where tasks began later than that, at least over one. */
  rate(now: number, tasksStartedAt: number): number {
    const from = Math.floor(now / 1000) - RATE_SECONDS;
    let ended = 0;
    for (const [second, count] of this.#perSecond) {
      if (second < from) this.#perSecond.delete(second);
      else ended += count;
    }
    return ended / Math.max(1, now / 1000 - Math.max(from, tasksStartedAt / 1000));
  }

  /** Every try in the order in which they ended; as bytes, since it may be longer than a string can be. */
  joblog(): Buffer {
    return joblogBytes(this.#lines);
  }

  /** The final row of each task that ended. */
  *rows(): Generator<JoblogRow> {
    const final = new Map<number, string>();
    for (const line of this.#lines) final.set(Number.parseInt(line, 10), line);
    for (const line of final.values()) {
      const row = parseJoblogRow(line);
      if (row !== undefined) yield row;
    }
  }

  /** Failed tasks whose output is kept. */
  kept(): readonly JoblogRow[] {
    return this.#kept;
  }

  /** How a task failed that {@link ended}. @param stderr the end of it; undefined where it was not read */
  failed(row: JoblogRow, ending: Ending, stderr: string | undefined): Failure {
    this.version += 1;
    const failure = this.failures.add(row, ending, stderr);
    if (failure.isKept) this.#kept.push(row);
    return failure;
  }

  #tryEnded(row: JoblogRow): void {
    this.#running.delete(row.seq);
    this.#open.delete(row.seq);
    this.#done.add(row.runtime);
    this.#write(row);
  }

  #leaveOpen(seq: number, end: OpenTry['end'], now: number): void {
    const { node, at } = this.#running.get(seq) ?? { node: 0, at: now };
    this.#running.delete(seq);
    const iso = (ms: number) => new Date(ms).toISOString();
    this.#open.set(seq, { seq, node, startedAt: iso(Math.min(at, now)), endedAt: iso(now), end });
  }

  #write(row: JoblogRow): void {
    this.version += 1;
    if (this.#tried.has(row.seq)) this.#retried.add(row.seq);
    this.#tried.add(row.seq);
    this.#lines.push(renderJoblogRow(row));
  }

  /** A task has one end: another row of it replaces what was counted. */
  #count(row: JoblogRow): void {
    const before = this.#ended.get(row.seq);
    if (before === true) this.#succeeded -= 1;
    if (before === false) this.#failures -= 1;
    const isGood = succeeded(row);
    this.#ended.set(row.seq, isGood);
    if (isGood) this.#succeeded += 1;
    else this.#failures += 1;
  }
}
