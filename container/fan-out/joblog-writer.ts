import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../experiment/joblog.ts';
import { JOBLOG_HEADER, renderJoblogRow } from '../../experiment/joblog.ts';

/**
 * Appends to a joblog on shared storage. Rows of earlier attempts stay; a last line that a crash cut off is ended first,
 * so that it cannot run into the next row.
 */
export class JoblogWriter {
  readonly #file: FileHandle;
  #pending: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failed: unknown;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<JoblogWriter> {
    const file = await open(path, 'a+');
    const { size } = await file.stat();
    if (size === 0) {
      await file.appendFile(`${JOBLOG_HEADER}\n`);
    } else {
      const last = Buffer.alloc(1);
      await file.read(last, 0, 1, size - 1);
      if (last[0] !== 10) await file.appendFile('\n');
    }
    return new JoblogWriter(file);
  }

  /** Written soon; rows that come while a write is under way go together in the next. */
  append(row: JoblogRow): void {
    this.#pending.push(renderJoblogRow(row));
    if (this.#pending.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** Waits for all rows and reports the first failure. @throws Error of the file system */
  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Everything written and on the disk. @throws Error of the file system */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#file.datasync();
    } finally {
      await this.#file.close();
    }
  }

  async #write(): Promise<void> {
    const rows = this.#pending;
    this.#pending = [];
    if (rows.length === 0 || this.#failed !== undefined) return;
    try {
      await this.#file.appendFile(`${rows.join('\n')}\n`);
    } catch (error) {
      this.#failed = error;
    }
  }
}
