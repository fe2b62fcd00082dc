import { createHash } from 'node:crypto';
import type { Bucket } from '../../aws/bucket.ts';
import { Design } from '../../experiment/commands/design.ts';
import { BadList } from '../../experiment/commands/lines.ts';
import { commandMaker, MAX_COMMAND_BYTES, MAX_LIST_BYTES } from '../../experiment/commands/list.ts';
import { MAX_COMMANDS } from '../../experiment/commands/matrix.ts';
import { TableRows } from '../../experiment/commands/table.ts';
import type { CommandWork, PlanDesign } from '../../experiment/plan/plan.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { sierraRunOf } from '../../experiment/sierra/run-command.ts';
import { boundedLines } from '../../experiment/text/bounded-lines.ts';
import type { RunRecords } from '../stores/run-records.ts';
import { joblogRows } from './run-folder.ts';

/** A task as it was planned: its parameters as they were written, and what it runs. */
export interface PlannedTask {
  seq: number;
  values: readonly string[];
  command: string | null;
}

/** The tasks of a run, in the order of their numbers, as often as they are asked for. */
export interface TaskSource {
  keys: readonly string[];
  /** In batches, so that a million tasks are not a million promises. */
  tasks(): AsyncIterable<PlannedTask[]>;
}

const BATCH = 1000;

/**
 * Parameters come from the plan, whose SHA-256 the functions know, and from the table that it names by its own; never from
 * a command. Without a design the commands alone are known: of `commands.txt`, or of SIERRA the joblog's.
 */
export async function taskSource(
  bucket: Bucket,
  keys: RunRecords['keys'],
  work: CommandWork | { kind: 'sierra' },
): Promise<TaskSource> {
  if (work.kind === 'sierra')
    return { keys: ['experiment', 'run'], tasks: () => batched(sierraTasks(bucket, keys)) };
  const { design } = work;
  const total = work.file.kind === 'frozen' ? Math.min(work.file.total, MAX_COMMANDS) : MAX_COMMANDS;
  const listed = { keys: [], tasks: () => batched(listedTasks(bucket, keys, total)) };
  if (design === undefined) return listed;
  if (design.table === undefined) {
    const { keys: names } = new Design(design, design.name);
    return { keys: names, tasks: () => batched(designTasks(design)) };
  }
  const columns = await columnsOf(bucket, keys, design);
  // Somebody wrote over it: what it says now is not what ran.
  if (columns === undefined) return listed;
  const { keys: names } = new Design(design, design.name, columns);
  return { keys: names, tasks: () => batched(tableTasks(bucket, keys, design, columns)) };
}

async function* batched(
  tasks: Iterable<PlannedTask> | AsyncIterable<PlannedTask>,
): AsyncGenerator<PlannedTask[]> {
  let batch: PlannedTask[] = [];
  // A design is made without waiting: `for await` alone would wait for each task of it.
  const take = function* (task: PlannedTask): Generator<PlannedTask[]> {
    if (batch.push(task) < BATCH) return;
    yield batch;
    batch = [];
  };
  if (Symbol.iterator in tasks) for (const task of tasks) yield* take(task);
  else for await (const task of tasks) yield* take(task);
  yield batch;
}

function* designTasks(design: PlanDesign, columns: readonly string[] = []): Generator<PlannedTask> {
  yield* tasksOfRows(design, columns)([]);
}

/** Tasks of one row of a table after another. */
function tasksOfRows(
  design: PlanDesign,
  columns: readonly string[],
): (cells: readonly string[]) => Generator<PlannedTask> {
  const made = new Design(design, design.name, columns);
  const commandsOf = commandMaker(design.template, made);
  let seq = 0;
  return function* (cells) {
    const commands = commandsOf(cells);
    for (const values of made.combinations(cells)) {
      seq += 1;
      yield { seq, values: [...values], command: commands.next().value ?? null };
    }
  };
}

async function* tableTasks(
  bucket: Bucket,
  keys: RunRecords['keys'],
  design: PlanDesign,
  columns: readonly string[],
): AsyncGenerator<PlannedTask> {
  const tasksOf = tasksOfRows(design, columns);
  for await (const cells of tableRows(bucket, keys, design)) yield* tasksOf(cells.map(({ text }) => text));
}

/** The names of the columns; undefined where the table is not the one that was planned, or none. */
async function columnsOf(
  bucket: Bucket,
  keys: RunRecords['keys'],
  design: PlanDesign,
): Promise<readonly string[] | undefined> {
  const rows = new TableRows(design.table?.format ?? 'csv');
  const hash = createHash('sha256');
  const known = design.table?.sha256;
  try {
    for await (const _ of tableRows(bucket, keys, design, { rows, hash }));
  } catch (error) {
    if (error instanceof BadList) return undefined;
    throw error;
  }
  return known === undefined || known === hash.digest('hex') ? rows.columns : undefined;
}

async function* tableRows(
  bucket: Bucket,
  keys: RunRecords['keys'],
  { table: { format } = { format: 'csv' } }: PlanDesign,
  { rows, hash } = { rows: new TableRows(format), hash: createHash('sha256') },
) {
  let bytes = 0;
  for await (const block of (await bucket.stream(keys.table(format))) ?? noBytes()) {
    bytes += block.length;
    if (bytes > MAX_LIST_BYTES) return;
    hash.update(block);
    yield* rows.take(block);
  }
  yield* rows.end();
}

async function* listedTasks(
  bucket: Bucket,
  { commands }: RunRecords['keys'],
  total: number,
): AsyncGenerator<PlannedTask> {
  const stream = await bucket.stream(commands);
  if (stream === undefined) return;
  let seq = 0;
  for await (const command of boundedLines(stream, { most: MAX_COMMAND_BYTES, whole: false })) {
    seq += 1;
    if (seq > total) return;
    yield { seq, values: [], command };
  }
}

/** Of SIERRA's commands so much is held; its batches have thousands. */
const MOST_LETTERS = 32 * 1024 * 1024;

/** SIERRA makes its commands on node 0: only rows name them. */
async function* sierraTasks(bucket: Bucket, { joblog }: RunRecords['keys']): AsyncGenerator<PlannedTask> {
  const tasks = new Map<number, PlannedTask>();
  let letters = 0;
  for await (const { seq, command } of joblogRows((await bucket.stream(joblog)) ?? noBytes())) {
    if (tasks.has(seq)) continue;
    letters += command.length;
    tasks.set(seq, sierraTask(seq, command, letters <= MOST_LETTERS));
  }
  yield* [...tasks.values()].sort((a, b) => a.seq - b.seq);
}

function sierraTask(seq: number, command: JoblogRow['command'], isKept: boolean): PlannedTask {
  const { experiment = '', run = '' } = sierraRunOf(command) ?? {};
  return { seq, values: [experiment, String(run)], command: isKept ? command : null };
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}
