import { join } from 'node:path';
import { Bucket, TEXT_TYPE } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { NOT_KEPT } from '../../experiment/diagnosis/failed-tasks/signature.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { openFile } from '../util/open-file.ts';

const TAIL_BYTES = 64 * 1024;
const LONGEST_NAME = 255;

/** One failed task whose output is kept. */
interface Kept {
  row: Pick<JoblogRow, 'seq' | 'command'>;
  /** What stands for its stderr where it was not started again. */
  words?: string | undefined;
}

/** Sends what failed tasks wrote while the run goes on: who asks need not wait for its end. */
export class FailedOutput {
  readonly #send: (kept: readonly Kept[], results: string) => Promise<number>;
  readonly #over = new AbortController();
  readonly #known = new Set<number>();
  #waiting: Kept[] = [];
  #sending: Promise<void> | undefined;
  #missed = 0;

  constructor(s3: S3Port, run: { bucket: string; runId: string }, clock: Clock) {
    this.#send = (kept, results) => sendFailedOutput(s3, run, kept, results, clock, this.#over.signal);
  }

  keep(kept: Kept, results: string): void {
    if (this.#known.has(kept.row.seq)) return;
    this.#known.add(kept.row.seq);
    this.#waiting.push(kept);
    this.#sending ??= this.#sendAll(results);
  }

  /** All of these are sent, or there is no time left. Answers how many files could not be read or sent. */
  async finish(rows: readonly JoblogRow[], results: string, signal: AbortSignal): Promise<number> {
    signal.addEventListener('abort', () => this.#over.abort());
    if (signal.aborted) this.#over.abort();
    for (const row of rows) this.keep({ row }, results);
    await this.#sending;
    return this.#missed;
  }

  async #sendAll(results: string): Promise<void> {
    while (this.#waiting.length > 0) this.#missed += await this.#send(this.#waiting.splice(0), results);
    this.#sending = undefined;
  }
}

/** Sends the last 64 KiB of what failed tasks wrote. Answers how many files could not be read or sent. */
export async function sendFailedOutput(
  s3: S3Port,
  run: { bucket: string; runId: string },
  failures: readonly Kept[],
  results: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  const keys = runKeys(run.runId);
  const bucket = new Bucket(s3, run.bucket, clock);
  let missed = 0;
  await forEachBounded(failures, 8, async ({ row, words }) => {
    for (const [stream, file] of [
      ['out', 'stdout'],
      ['err', 'stderr'],
    ] as const) {
      if (signal.aborted) return;
      try {
        const own = stream === 'err' && words !== undefined ? Buffer.from(`${words}\n`) : undefined;
        const body = own ?? (await outputOf(resultFolder(results, row.command), file, row.seq));
        const key = keys.taskOutput(row.seq, stream);
        await untilSent(() => bucket.write(key, body, TEXT_TYPE), clock, signal);
      } catch {
        missed += 1; // counted: a task that never started has left nothing
      }
    }
  });
  return missed;
}

/**
 * The folder of one command in GNU parallel's `--results` tree: `1/<command>` with backslash, tab, NUL and slash
 * written `\\ \t \0 \_`, cut at the longest file name. Bytes, since a cut may fall into a character.
 */
export function resultFolder(results: string, command: string): Buffer {
  const name = command
    .replaceAll('\\', '\\\\')
    .replaceAll('\t', '\\t')
    .replaceAll('\0', '\\0')
    .replaceAll('/', '\\_');
  return Buffer.concat([Buffer.from(`${join(results, '1')}/`), Buffer.from(name).subarray(0, LONGEST_NAME)]);
}

/** The task that has begun last of those that share a folder; undefined where that is this one. */
export async function belongsToAnother(folder: Buffer, seq: number): Promise<string | undefined> {
  const written = await tailOf(Buffer.concat([folder, Buffer.from('/seq')])).catch(() => Buffer.alloc(0));
  const owner = written.toString().trim();
  return owner !== String(seq) && /^\d+$/.test(owner) ? owner : undefined;
}

/**
 * GNU parallel gives commands that are alike in their first 255 bytes one folder. The last to begin has it, but tasks
 * that ran at the same time wrote into the same files: another's words must not pass for this task's.
 */
async function outputOf(folder: Buffer, file: string, seq: number): Promise<Buffer> {
  const at = (name: string) => Buffer.concat([folder, Buffer.from(`/${name}`)]);
  const owner = await belongsToAnother(folder, seq);
  const isCut = folder.length - folder.lastIndexOf('/') - 1 >= LONGEST_NAME;
  const shared = isCut ? ALIKE : SAME;
  if (owner !== undefined)
    return Buffer.from(`${NOT_KEPT}task ${owner} wrote to the same folder, since ${shared})\n`);
  const output = await tailOf(at(file));
  if (!isCut || output.length === 0) return output;
  return Buffer.concat([Buffer.from(`(this may be another task's, since ${shared})\n`), output]);
}

const ALIKE = `commands that begin with the same ${LONGEST_NAME} bytes share one folder of GNU parallel's results: shorter paths keep them apart`;
const SAME =
  "commands that are the same share one folder of GNU parallel's results: a comment of its own (`./sim # 2`) keeps each apart";

/** The end of what a task wrote to stderr, as far as it is known to be its own. @throws Error of the file system */
export async function stderrOf(results: string, { seq, command }: JoblogRow): Promise<string> {
  return (await outputOf(resultFolder(results, command), 'stderr', seq)).toString();
}

async function tailOf(path: Buffer): Promise<Buffer> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
