import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { parseJoblogRow } from '../../../experiment/results/joblog.ts';
import { ifMissing } from '../../util/system-errors.ts';

/** Reads the rows that GNU parallel, on this same node, appends to its joblog. */
export class JoblogFollower {
  readonly #path: string;
  #file: FileHandle | undefined;
  #position: number;
  #rest = '';

  /** @param position where the rows of this attempt begin */
  constructor(path: string, position: number) {
    this.#path = path;
    this.#position = position;
  }

  /** The rows that are complete since the last call; none while the file does not exist. */
  async read(): Promise<JoblogRow[]> {
    this.#file ??= await open(this.#path, 'r').catch(ifMissing(undefined));
    if (this.#file === undefined) return [];
    const rows: JoblogRow[] = [];
    const block = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await this.#file.read(block, 0, block.length, this.#position);
      if (bytesRead === 0) return rows;
      this.#position += bytesRead;
      // latin1 keeps the bytes of a character that a block cuts in two; they are put together in the whole line.
      const lines = (this.#rest + block.toString('latin1', 0, bytesRead)).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) {
        const row = parseJoblogRow(Buffer.from(line, 'latin1').toString());
        if (row !== undefined) rows.push(row);
      }
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}
