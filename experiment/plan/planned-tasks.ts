import { createHash } from 'node:crypto';
import { Design } from '../commands/design.ts';
import { BadList } from '../commands/lines.ts';
import { commandMaker, MAX_COMMAND_BYTES, MAX_LIST_BYTES } from '../commands/list.ts';
import { MAX_COMMANDS } from '../commands/matrix.ts';
import type { TableFormat } from '../commands/table.ts';
import { TableRows } from '../commands/table.ts';
import { boundedLines } from '../text/bounded-lines.ts';
import type { CommandWork, PlanDesign } from './plan.ts';

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

/** What a run's folder holds under such a name; undefined where there is nothing. */
export type OpenFile = (
  file: 'commands' | { table: TableFormat },
) => Promise<AsyncIterable<Uint8Array> | undefined>;

const BATCH = 1000;

/**
 * Parameters come from the plan, whose SHA-256 the functions know, and from the table that it names by its own; never from
 * a command. Without a design the commands alone are known: of `commands.txt`.
 */
export async function plannedTasks(open: OpenFile, work: CommandWork): Promise<TaskSource> {
  const { design } = work;
  const total = work.file.kind === 'frozen' ? Math.min(work.file.total, MAX_COMMANDS) : MAX_COMMANDS;
  const listed = { keys: [], tasks: () => batched(listedTasks(open, total)) };
  if (design === undefined) return listed;
  if (design.table === undefined) {
    const { keys: names } = new Design(design, design.name);
    return { keys: names, tasks: () => batched(designTasks(design)) };
  }
  const columns = await columnsOf(open, design);
  // Somebody wrote over it: what it says now is not what ran.
  if (columns === undefined) return listed;
  const { keys: names } = new Design(design, design.name, columns);
  return { keys: names, tasks: () => batched(tableTasks(open, design, columns)) };
}

export async function* batched(
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
  open: OpenFile,
  design: PlanDesign,
  columns: readonly string[],
): AsyncGenerator<PlannedTask> {
  const tasksOf = tasksOfRows(design, columns);
  for await (const cells of tableRows(open, design)) yield* tasksOf(cells.map(({ text }) => text));
}

/** The names of the columns; undefined where the table is not the one that was planned, or none. */
async function columnsOf(open: OpenFile, design: PlanDesign): Promise<readonly string[] | undefined> {
  const rows = new TableRows(design.table?.format ?? 'csv');
  const hash = createHash('sha256');
  const known = design.table?.sha256;
  try {
    for await (const _ of tableRows(open, design, { rows, hash }));
  } catch (error) {
    if (error instanceof BadList) return undefined;
    throw error;
  }
  return known === undefined || known === hash.digest('hex') ? rows.columns : undefined;
}

async function* tableRows(
  open: OpenFile,
  { table: { format } = { format: 'csv' } }: PlanDesign,
  { rows, hash } = { rows: new TableRows(format), hash: createHash('sha256') },
) {
  let bytes = 0;
  for await (const block of (await open({ table: format })) ?? []) {
    bytes += block.length;
    if (bytes > MAX_LIST_BYTES) return;
    hash.update(block);
    yield* rows.take(block);
  }
  yield* rows.end();
}

async function* listedTasks(open: OpenFile, total: number): AsyncGenerator<PlannedTask> {
  const stream = await open('commands');
  if (stream === undefined) return;
  let seq = 0;
  for await (const command of boundedLines(stream, { most: MAX_COMMAND_BYTES, whole: false })) {
    seq += 1;
    if (seq > total) return;
    yield { seq, values: [], command };
  }
}
