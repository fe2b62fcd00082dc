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
  /** A folder of this node alone. */
  scratch: string;
  clock: Clock;
  signal: AbortSignal;
}

/** Reads the results of tasks once all have ended, and sends them. @throws the SDK's and the file system's errors */
export async function sendResultLines(options: ResultsToSend): Promise<ResultCounts> {
  const { bucket, keys, plan, folders, signal } = options;
  const succeededOnes = new Set<number>();
  for (const row of options.rows) if (succeeded(row)) succeededOnes.add(row.seq);
  const source = await plannedTasks(
    async (file) =>
      file === 'commands' ? createReadStream(folders.commands) : bucket.stream(keys.table(file.table)),
    plan.work,
  );
  const counts: ResultCounts = { read: 0, missing: 0, unreadable: 0 };
  const isWanted = (seq: number) => succeededOnes.has(seq) && !signal.aborted;
  await sendLines(options, resultLines(options, source, isWanted, counts));
  return counts;
}

/** Sends `results.jsonl`. @param lines in the order of their tasks' numbers. @throws as {@link sendResultLines} */
export async function sendLines(
  { bucket, keys, scratch, clock, signal }: Omit<ResultsToSend, 'plan' | 'folders' | 'rows'>,
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
  { plan: { results: plan }, folders }: ResultsToSend,
  source: TaskSource,
  isWanted: (seq: number) => boolean,
  counts: ResultCounts,
): AsyncGenerator<string> {
  let bytes = 0;
  for await (const batch of source.tasks()) {
    const lines = new Map<number, string>();
    const wanted = batch.filter(({ seq }) => isWanted(seq));
    await forEachBounded(wanted, AT_ONCE, async (task) => {
      const { path } = plan;
      const text =
        path === undefined
          ? await stdoutOf(folders.results, task)
          : await endOf(Buffer.from(join(folders.tasks, resultPath(path, source.keys, task))));
      const fields = text === undefined ? undefined : resultFields(text, plan);
      counts[text === undefined ? 'missing' : fields === undefined ? 'unreadable' : 'read'] += 1;
      if (fields !== undefined) lines.set(task.seq, renderResultLine(task.seq, fields));
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
