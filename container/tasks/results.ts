import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Bucket } from '../../aws/bucket.ts';
import type { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { CommandWork } from '../../experiment/plan/plan.ts';
import type { PlannedTask, TaskSource } from '../../experiment/plan/planned-tasks.ts';
import { plannedTasks } from '../../experiment/plan/planned-tasks.ts';
import type { ResultCounts } from '../../experiment/records/progress.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { succeeded } from '../../experiment/results/joblog.ts';
import type { ResultsPlan } from '../../experiment/results/result-fields.ts';
import {
  MAX_RESULT_BYTES,
  MAX_RESULTS_BYTES,
  renderResultLine,
  resultFields,
  resultPath,
} from '../../experiment/results/result-fields.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { RunFolders } from '../storage/run-folders.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { openFile } from '../util/open-file.ts';
import { belongsToAnother, resultFolder } from './failed-output.ts';

const AT_ONCE = 16;

export interface ResultsToSend {
  bucket: Bucket;
  keys: ReturnType<typeof runKeys>;
  plan: { results: ResultsPlan; work: CommandWork };
  folders: Pick<RunFolders, 'tasks' | 'commands' | 'results'>;
  /** The final row of each task. */
  rows: Iterable<JoblogRow>;
  held: HeldResults;
  /** A folder of this node alone. */
  scratch: string;
  clock: Clock;
  signal: AbortSignal;
}

const ROUND_MS = 10_000;
/** So little of its time node 0 looks for results that can be read. */
const SHARE_OF_TIME = 10;
const MAX_HELD_CHARS = 64 * 1024 * 1024;

/** Results of tasks that have ended, read while others run: a run that is cut has seconds left for that at its end. */
export class HeldResults {
  readonly #lines = new Map<number, string>();
  readonly #stop = new AbortController();
  #chars = 0;

  get(seq: number): string | undefined {
    return this.#lines.get(seq);
  }

  add(seq: number, line: string): void {
    if (this.#chars > MAX_HELD_CHARS) return;
    this.#chars += line.length;
    this.#lines.set(seq, line);
  }

  /** In rounds until {@link stop}. @param options anew for each round; undefined as long as there is nothing to read */
  async follow(clock: Clock, options: (signal: AbortSignal) => ResultsToSend | undefined): Promise<void> {
    const { signal } = this.#stop;
    for (let pause = ROUND_MS; this.#chars <= MAX_HELD_CHARS; ) {
      await clock.sleep(pause, signal).catch(() => undefined);
      if (signal.aborted) return;
      const began = clock.now();
      const given = options(signal);
      // What cannot be read now is read at the end, and told there.
      if (given !== undefined) await this.#round(given).catch(() => undefined);
      pause = Math.max(ROUND_MS, SHARE_OF_TIME * (clock.now() - began));
    }
  }

  stop(): void {
    this.#stop.abort(new Error('all tasks have ended'));
  }

  async #round(options: ResultsToSend): Promise<void> {
    const isWanted = wanted(options);
    const source = await sourceOf(options);
    const isNew = (seq: number) => isWanted(seq) && !this.#lines.has(seq);
    for await (const _ of resultLines(options, source, isNew, { read: 0, missing: 0, unreadable: 0 }));
  }
}

/** Reads the results of tasks that were not read before, and sends all. @throws the SDK's and the file system's errors */
export async function sendResultLines(options: ResultsToSend): Promise<ResultCounts> {
  const counts: ResultCounts = { read: 0, missing: 0, unreadable: 0 };
  const source = await sourceOf(options);
  await sendLines(options, resultLines(options, source, wanted(options), counts));
  return counts;
}

function wanted({ rows }: ResultsToSend): (seq: number) => boolean {
  const succeededOnes = new Set<number>();
  for (const row of rows) if (succeeded(row)) succeededOnes.add(row.seq);
  return (seq) => succeededOnes.has(seq);
}

function sourceOf({ plan, folders, bucket, keys }: ResultsToSend): Promise<TaskSource> {
  return plannedTasks(
    async (file) =>
      file === 'commands' ? createReadStream(folders.commands) : bucket.stream(keys.table(file.table)),
    plan.work,
  );
}

/** Sends `results.jsonl`. @param lines in the order of their tasks' numbers. @throws as {@link sendResultLines} */
export async function sendLines(
  { bucket, keys, scratch, clock, signal }: Omit<ResultsToSend, 'plan' | 'folders' | 'rows' | 'held'>,
  lines: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  const list = join(scratch, 'results.jsonl');
  await pipeline(lines, createWriteStream(list));
  await untilSent(() => bucket.writeFile(keys.results, list), clock, signal);
}

/**
 * What the manifest names under `results` of each task that succeeded, in this run or before, in the order of their
 * numbers. Tasks wrote these files: they are bounded, and what is no file is not waited for.
 */
async function* resultLines(
  { plan: { results: plan }, folders, held, signal }: ResultsToSend,
  source: TaskSource,
  isWanted: (seq: number) => boolean,
  counts: ResultCounts,
): AsyncGenerator<string> {
  let bytes = 0;
  for await (const batch of source.tasks()) {
    if (signal.aborted) return;
    const lines = new Map<number, string>();
    const wanted = batch.filter(({ seq }) => isWanted(seq));
    await forEachBounded(wanted, AT_ONCE, async (task) => {
      const known = held.get(task.seq);
      if (known !== undefined) {
        counts.read += 1;
        lines.set(task.seq, known);
        return;
      }
      const { path } = plan;
      const text =
        path === undefined
          ? await stdoutOf(folders.results, task)
          : await endOf(Buffer.from(join(folders.tasks, resultPath(path, source.keys, task))));
      const fields = text === undefined ? undefined : resultFields(text, plan);
      counts[text === undefined ? 'missing' : fields === undefined ? 'unreadable' : 'read'] += 1;
      if (fields === undefined) return;
      const line = renderResultLine(task.seq, fields);
      lines.set(task.seq, line);
      held.add(task.seq, line);
    });
    const block = batch.map(({ seq }) => lines.get(seq) ?? '').join('');
    bytes += Buffer.byteLength(block);
    if (bytes > MAX_RESULTS_BYTES) return;
    if (block !== '') yield block;
  }
}

async function stdoutOf(results: string, { seq, command }: PlannedTask): Promise<string | undefined> {
  const folder = resultFolder(results, command ?? '');
  if ((await belongsToAnother(folder, seq)) !== undefined) return undefined;
  return endOf(Buffer.concat([folder, Buffer.from('/stdout')]));
}

/** The end of a file, whole where it is not larger; undefined where there is none. */
async function endOf(path: Buffer): Promise<string | undefined> {
  try {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      const length = Math.min(size, MAX_RESULT_BYTES);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
