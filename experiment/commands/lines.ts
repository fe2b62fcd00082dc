import { FROM_WINDOWS } from './list.ts';
import { MAX_COMMANDS } from './matrix.ts';

/** What is wrong with a list of commands, in a sentence. */
export class BadList extends Error {
  override readonly name = 'BadList';
}

export const TOO_MANY = `it has over ${MAX_COMMANDS.toLocaleString('en')} commands, the most that are allowed`;

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const HASH = 35;
const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Makes commands of the blocks of a file, a newline behind each. */
export interface CommandSource {
  /** Commands so far, and their bytes. */
  readonly total: number;
  readonly bytes: number;
  /** The commands that this block completes. @throws BadList */
  take(block: Uint8Array): Iterable<Buffer>;
  /** The last ones. @throws BadList also where nothing runs at all */
  end(): Iterable<Buffer>;
}

/**
 * Reads a list block by block, of any size and any bytes: judges its lines, and leaves out those that run nothing (blank
 * ones, and those that are a comment), so that a task is a command.
 * @param onLine gets each line that is a command, with its number in the file from 1
 */
export class CommandLines implements CommandSource {
  total = 0;
  bytes = 0;
  readonly #mostBytes: number;
  readonly #onLine: ((line: Buffer, number: number) => void) | undefined;
  #line = 0;
  #rest = Buffer.alloc(0);

  constructor(mostBytes: number, onLine?: (line: Buffer, number: number) => void) {
    this.#mostBytes = mostBytes;
    this.#onLine = onLine;
  }

  take(block: Uint8Array): Buffer[] {
    const text = Buffer.concat([this.#rest, block]);
    const kept: Buffer[] = [];
    let from = 0;
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, from)) {
      if (this.#isCommand(text.subarray(from, end))) kept.push(text.subarray(from, end + 1));
      from = end + 1;
    }
    this.#rest = text.subarray(from);
    if (this.#rest.length > this.#mostBytes) this.#tooLong(this.#line + 1);
    return this.#counted(kept);
  }

  end(): Buffer[] {
    const isCommand = this.#rest.length > 0 && this.#isCommand(this.#rest);
    const kept = this.#counted(isCommand ? [Buffer.concat([this.#rest, Buffer.from('\n')])] : []);
    if (this.total === 0) throw new BadList(this.#line === 0 ? 'it is empty' : 'no line of it is a command');
    return kept;
  }

  #isCommand(line: Buffer): boolean {
    this.#line += 1;
    if (this.#line === 1 && line.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK))
      throw new BadList(FROM_WINDOWS.byteOrderMark);
    if (line.includes(0)) throw new BadList(`line ${this.#line} holds a NUL character`);
    if (line.at(-1) === CARRIAGE_RETURN) throw new BadList(FROM_WINDOWS.lineEnd(this.#line));
    if (line.length > this.#mostBytes) this.#tooLong(this.#line);
    const first = line.find((byte) => byte !== 32 && byte !== 9);
    if (first === undefined || first === HASH) return false;
    this.#onLine?.(line, this.#line);
    return true;
  }

  #counted(kept: readonly Buffer[]): Buffer[] {
    this.total += kept.length;
    if (this.total > MAX_COMMANDS) throw new BadList(TOO_MANY);
    const bytes = Buffer.concat(kept);
    this.bytes += bytes.length;
    return [bytes];
  }

  #tooLong(line: number): never {
    throw new BadList(
      `line ${line} has over ${this.#mostBytes.toLocaleString('en')} bytes, the most that one command may have`,
    );
  }
}

/** The commands of a file, in blocks. @throws BadList, and what the blocks throw */
export async function* commandsIn(
  blocks: AsyncIterable<Uint8Array>,
  source: CommandSource,
): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield* source.take(block);
  yield* source.end();
}

/** True of a line that bash would do nothing for. */
export function runsNothing(line: string): boolean {
  return /^[ \t]*(?:#|$)/.test(line);
}
