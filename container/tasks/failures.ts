import { failureSignature } from '../../experiment/diagnosis/failed-tasks/signature.ts';
import { tellingLine } from '../../experiment/diagnosis/failed-tasks/telling-line.ts';
import type { Ending } from '../../experiment/records/ending.ts';
import type { FailingNow } from '../../experiment/records/progress.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import {
  LAST_LINES_HEADER,
  MAX_LAST_LINES_BYTES,
  renderLastLine,
} from '../../experiment/results/last-lines.ts';

/** Of each signature the whole output of so many tasks is kept, and of so many in all. */
const KEPT_OF_EACH = 100;
const KEPT = 1000;
/** Signatures that are told while the run goes on. */
const TOLD = 3;
/** More kinds of failure than that are counted as one. */
const MAX_SIGNATURES = 10_000;

/** A try that failed, as the rest of the system is to know it. */
export interface Failure {
  row: JoblogRow;
  /** Undefined where nobody has read it. */
  stderr: string | undefined;
  signature: string;
  /** What it wrote is worth keeping: it is one of the first of its kind. */
  isKept: boolean;
}

/** How tasks failed: the line that each said, and which of them are alike. */
export class Failures {
  readonly #groups = new Map<string, { count: number; example: number; line: string }>();
  readonly #lines: Buffer[] = [Buffer.from(`${LAST_LINES_HEADER}\n`)];
  #bytes = 0;
  #kept = 0;

  /** A try that another follows: its line is kept. */
  addTry(row: JoblogRow, ending: Ending, stderr: string | undefined): string {
    const line = stderr === undefined ? undefined : tellingLine(stderr);
    const bytes = Buffer.from(`${renderLastLine(row, ending, line)}\n`);
    this.#bytes += bytes.length;
    if (this.#bytes <= MAX_LAST_LINES_BYTES) this.#lines.push(bytes);
    return line ?? '';
  }

  /** A task that failed for good. */
  add(row: JoblogRow, ending: Ending, stderr: string | undefined): Failure {
    const line = this.addTry(row, ending, stderr);
    const own = failureSignature(ending, stderr);
    const isNew = !this.#groups.has(own);
    const signature = isNew && this.#groups.size >= MAX_SIGNATURES ? 'others' : own;
    const group = this.#groups.get(signature) ?? { count: 0, example: row.seq, line };
    group.count += 1;
    this.#groups.set(signature, group);
    const isKept = group.count <= KEPT_OF_EACH && this.#kept < KEPT;
    if (isKept) this.#kept += 1;
    return { row, stderr, signature, isKept };
  }

  /** Kinds of failure there are. */
  get kinds(): number {
    return this.#groups.size;
  }

  /** The largest groups. */
  groups(): FailingNow[] {
    return [...this.#groups]
      .map(([signature, { count, example, line }]) => ({ signature, count, example, line }))
      .sort((a, b) => b.count - a.count)
      .slice(0, TOLD);
  }

  /** `last-lines.tsv`; empty where nothing failed. */
  lastLines(): Buffer {
    return this.#lines.length === 1 ? Buffer.alloc(0) : Buffer.concat(this.#lines);
  }
}
