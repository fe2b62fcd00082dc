import { succeeded } from '../../../experiment/results/joblog.ts';
import type { FanoutHooks, FanoutNode, TryEnd } from '../fan-out.ts';
import type { Row } from './agent-messages.ts';
import { joblogRow } from './agent-messages.ts';
import type { CommandIndex } from './command-index.ts';
import type { JoblogWriter } from './joblog-writer.ts';

/** A try that ended. */
interface Entry {
  row: Row;
  node: FanoutNode;
  /** No other try follows. */
  final: boolean;
  about: TryEnd;
}

/**
 * Counts each task's final row once, and writes rows in the order they came, many at a time when they come fast, and tells
 * of them.
 */
export class RowBook {
  readonly #commands: CommandIndex;
  readonly #joblog: JoblogWriter;
  readonly #hooks: FanoutHooks;
  readonly #onFailure: (error: string) => void;
  #booking: Promise<void> = Promise.resolve();
  /** Rows whose command is being read. */
  #unread: Entry[] = [];
  readonly #isFinal: Uint8Array;
  /** Tasks without a final row. */
  left: number;
  #succeeded = 0;
  #failed = 0;

  /** @param tasks numbers up to `total`, so many of them without a final row @param onFailure called when rows cannot be recorded, with a sentence */
  constructor(
    tasks: { total: number; left: number },
    { commands, joblog }: { commands: CommandIndex; joblog: JoblogWriter },
    hooks: FanoutHooks,
    onFailure: (error: string) => void,
  ) {
    this.#commands = commands;
    this.#joblog = joblog;
    this.#hooks = hooks;
    this.#onFailure = onFailure;
    this.#isFinal = new Uint8Array(tasks.total + 1);
    this.left = tasks.left;
  }

  counts(): { succeeded: number; failed: number; unfinished: number } {
    return { succeeded: this.#succeeded, failed: this.#failed, unfinished: this.left };
  }

  add(entry: Entry): void {
    const { row, final } = entry;
    if (final) {
      if (this.#isFinal[row.seq] === 1) return;
      this.#isFinal[row.seq] = 1;
      this.left -= 1;
      if (succeeded(row)) this.#succeeded += 1;
      else this.#failed += 1;
    }
    this.#unread.push(entry);
    if (this.#unread.length === 1) this.#booking = this.#booking.then(() => this.#bookAll());
  }

  /** All rows are in the joblog. @throws Error of the file system */
  async written(): Promise<void> {
    await this.#booking;
    await this.#joblog.flush();
  }

  async #bookAll(): Promise<void> {
    const rows = this.#unread;
    this.#unread = [];
    try {
      for (const { row, node, final, about } of rows) {
        const line = joblogRow(row, node, await this.#commands.command(row.seq));
        this.#joblog.append(line);
        if (final) this.#hooks.onRow(line, node.index, about);
        else this.#hooks.onRetry?.(line, node.index, about);
      }
    } catch (error) {
      this.#onFailure(
        `the rows of finished tasks cannot be recorded: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}
