import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { wholeLines } from './joblog-file.ts';

/** One attempt of a run, as the log tells of it. */
interface EarlierAttempt {
  /** The node of each task that was under way. */
  under: Map<number, number>;
  /** Node 0 came to its end in order: what was under way was told to end. */
  isOver: boolean;
}

/**
 * Where each task that is not over at once is noted when it starts and ends, on shared storage: a task that takes its node
 * with it is known in the next attempt, also where that node was node 0. Lines: `S attempt node seq`, `E attempt seq`,
 * `L attempt node` for a node that was lost, `X attempt` at the end.
 */
export class StartLog {
  /** Of earlier attempts of this run: the nodes that were lost while a task was under way on them. */
  readonly losses: ReadonlyMap<number, readonly string[]>;
  readonly #file: FileHandle;
  readonly #attempt: string;
  readonly #under = new Set<number>();
  #pending: string[] = [];
  #writing: Promise<void> | undefined;

  /** @throws Error of the file system */
  static async open(path: string, runId: string, attempt: number, mainIndex: number): Promise<StartLog> {
    const losses = await lossesIn(path, runId, mainIndex);
    const file = await open(path, 'a');
    // What a crash cut off is a line of its own.
    if ((await file.stat()).size > 0) await file.appendFile('\n');
    return new StartLog(file, `${runId}/${attempt}`, losses);
  }

  private constructor(file: FileHandle, attempt: string, losses: ReadonlyMap<number, readonly string[]>) {
    this.#file = file;
    this.#attempt = attempt;
    this.losses = losses;
  }

  started(seq: number, node: number): void {
    this.#under.add(seq);
    this.#write(`S ${this.#attempt} ${node} ${seq}`);
  }

  /** A try has its row. */
  ended(seq: number): void {
    if (this.#under.delete(seq)) this.#write(`E ${this.#attempt} ${seq}`);
  }

  nodeLost(node: number): void {
    this.#write(`L ${this.#attempt} ${node}`);
  }

  /** What it says is worth nothing to anybody who cannot write: it never rejects. */
  async close(): Promise<void> {
    this.#write(`X ${this.#attempt}`);
    await this.#writing;
    await this.#file.close().catch(() => undefined);
  }

  #write(line: string): void {
    this.#pending.push(line);
    this.#writing ??= this.#writeAll();
  }

  /** On the disk soon, since this node may be the next that is lost. */
  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const lines = this.#pending;
      this.#pending = [];
      try {
        await this.#file.appendFile(`${lines.join('\n')}\n`);
        await this.#file.datasync();
      } catch {
        break; // the joblog, which lies beside it, tells of storage that fails
      }
    }
    this.#writing = undefined;
  }
}

const LINE = /^([SELX]) (\S+)\/(\d+)(?: (\d+))?(?: (\d+))?$/;

async function lossesIn(path: string, runId: string, mainIndex: number): Promise<Map<number, string[]>> {
  const attempts = new Map<number, EarlierAttempt>();
  const losses = new Map<number, string[]>();
  const lose = (attempt: number, node: number) => {
    for (const [seq, where] of attempts.get(attempt)?.under ?? [])
      if (where === node) losses.set(seq, [...(losses.get(seq) ?? []), `node ${node} of attempt ${attempt}`]);
  };
  for await (const line of wholeLines(path)) {
    const [, kind, run, attempt, first, second] = LINE.exec(line.toString()) ?? [];
    if (run !== runId) continue;
    const number = Number(attempt);
    const known = attempts.get(number) ?? { under: new Map<number, number>(), isOver: false };
    attempts.set(number, known);
    if (kind === 'S') known.under.set(Number(second), Number(first));
    else if (kind === 'E') known.under.delete(Number(first));
    else if (kind === 'L') lose(number, Number(first));
    else known.isOver = true;
  }
  // A node 0 that left no word was lost itself.
  for (const [number, { isOver }] of attempts) if (!isOver) lose(number, mainIndex);
  return losses;
}
