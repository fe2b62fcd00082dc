import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { JOBLOG_HEADER, renderJoblogRow } from '../../../experiment/results/joblog.ts';
import { removeCutLine } from '../../tasks/drop-partial-row.ts';

/**
 * Appends to a joblog on shared storage, whole rows only. Rows of earlier attempts stay; what a crash left of one is
 * removed. Rows that cannot be written (storage is full) are tried again with the next and at the end.
 */
export class JoblogWriter {
  readonly #file: FileHandle;
  /** Bytes of whole rows in the file. */
  #size: number;
  #pending: string[] = [];
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  #failed: unknown;

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  static async open(path: string): Promise<JoblogWriter> {
    const file = await open(path, 'a+');
    try {
      const writer = new JoblogWriter(file, await removeCutLine(file));
      if (writer.#size === 0) await writer.#append(`${JOBLOG_HEADER}\n`);
      return writer;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Written soon; rows that come while a write is under way go together in the next. */
  append(row: JoblogRow): void {
    this.#pending.push(renderJoblogRow(row));
    this.#writeSoon();
  }

  /** Waits for all rows and reports why some are not written. @throws Error of the file system */
  async flush(): Promise<void> {
    await this.#writing;
    this.#writeSoon();
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

  #writeSoon(): void {
    if (this.#isWriting || this.#pending.length === 0) return;
    this.#isWriting = true;
    this.#writing = this.#writing.then(() => this.#write());
  }

  async #write(): Promise<void> {
    this.#isWriting = false;
    const rows = this.#pending;
    this.#pending = [];
    try {
      await this.#append(`${rows.join('\n')}\n`);
      this.#failed = undefined;
    } catch (error) {
      this.#failed = error;
      this.#pending = [...rows, ...this.#pending];
    }
  }

  async #append(text: string): Promise<void> {
    // What a failed write left would run into the next row.
    if (this.#failed !== undefined) await this.#file.truncate(this.#size);
    await this.#file.appendFile(text);
    this.#size += Buffer.byteLength(text);
  }
}
