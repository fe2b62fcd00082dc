import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';

const BLOCK_BYTES = 256 * 1024;
const BLOCKS_KEPT = 4;

interface Block {
  /** Offset in the file. */
  from: number;
  bytes: Buffer;
}

/** The frozen list of commands as a file: where each line begins. 8 bytes a command; no command is kept. */
export class CommandIndex {
  readonly total: number;
  readonly #file: FileHandle;
  /** Offsets of the lines; one more for the end of the last line's newline. */
  readonly #offsets: Float64Array;
  /** Stretches of the file read last, the newest at the end: rows come roughly in the order of their commands. */
  readonly #blocks: Block[] = [];

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

  /** The command with this sequence number. @throws RangeError when the file became shorter */
  async command(seq: number): Promise<string> {
    const { offset, length } = this.place(seq, 1);
    const known = this.#blocks.find(
      ({ from, bytes }) => from <= offset && offset + length <= from + bytes.length,
    );
    const block = known ?? (await this.#read(offset, Math.max(length, BLOCK_BYTES)));
    if (block.from + block.bytes.length < offset + length)
      throw new RangeError('the list of commands became shorter');
    return block.bytes.toString('utf8', offset - block.from, offset - block.from + length);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #read(from: number, length: number): Promise<Block> {
    const buffer = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const { bytesRead } = await this.#file.read(buffer, read, length - read, from + read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    const block = { from, bytes: buffer.subarray(0, read) };
    if (this.#blocks.push(block) > BLOCKS_KEPT) this.#blocks.shift();
    return block;
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
