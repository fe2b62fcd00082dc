import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

/** The frozen list of commands as a file: where each line begins. 8 bytes a command; no command is kept. */
export class CommandIndex {
  readonly total: number;
  readonly #file: FileHandle;
  /** Offsets of the lines; one more for the end of the last line's newline. */
  readonly #offsets: Float64Array;

  private constructor(file: FileHandle, offsets: Float64Array, total: number) {
    this.#file = file;
    this.#offsets = offsets;
    this.total = total;
  }

  /** @throws RangeError when the file has another number of lines than planned */
  static async open(path: string, total: number): Promise<CommandIndex> {
    const file = await open(path, 'r');
    try {
      return new CommandIndex(file, await lineOffsets(file, total), total);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Where the lines `first` … `first + count - 1` lie, without the last one's newline. Numbers from 1. */
  place(first: number, count: number): { offset: number; length: number } {
    const offset = this.#at(first - 1);
    return { offset, length: this.#at(first - 1 + count) - 1 - offset };
  }

  /** The command with this sequence number. */
  async command(seq: number): Promise<string> {
    const { offset, length } = this.place(seq, 1);
    const bytes = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await this.#file.read(bytes, read, length - read, offset + read);
      if (bytesRead === 0) throw new RangeError('the list of commands became shorter');
      read += bytesRead;
    }
    return bytes.toString();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  #at(line: number): number {
    const offset = this.#offsets[line];
    if (offset === undefined) throw new RangeError(`there is no command ${line + 1} of ${this.total}`);
    return offset;
  }
}

async function lineOffsets(file: FileHandle, total: number): Promise<Float64Array> {
  const offsets = new Float64Array(total + 1);
  const block = Buffer.allocUnsafe(1024 * 1024);
  let line = 0;
  let position = 0;
  let unfinished = false;
  for (;;) {
    const { bytesRead } = await file.read(block, 0, block.length, position);
    if (bytesRead === 0) break;
    for (let at = block.indexOf(10); at !== -1 && at < bytesRead; at = block.indexOf(10, at + 1)) {
      line += 1;
      if (line <= total) offsets[line] = position + at + 1;
    }
    unfinished = block[bytesRead - 1] !== 10;
    position += bytesRead;
  }
  if (unfinished) {
    line += 1;
    if (line <= total) offsets[line] = position + 1;
  }
  if (line !== total)
    throw new RangeError(`the list of commands has ${line} lines and ${total} were planned`);
  return offsets;
}
