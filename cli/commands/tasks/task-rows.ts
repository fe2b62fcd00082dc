import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { endingOf, endingWords, shellCode } from '../../../experiment/records/ending.ts';
import { csvCells } from '../../../experiment/results/cells.ts';
import { streamedRows } from '../../../experiment/results/joblog.ts';
import { lastLines, NotedEndings } from '../../../experiment/results/last-lines.ts';
import { boundedLines } from '../../../experiment/text/bounded-lines.ts';
import { readRecord } from '../../context/run-store.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** A cell of a column: its text, empty where it is not known. */
export type TaskRow = Readonly<Record<string, string>>;

/** Rows as they are read. */
export interface TaskRows {
  columns: readonly string[];
  rows: AsyncIterable<TaskRow>;
  /** A row a task, with its parameters; otherwise a row a try. */
  isTable: boolean;
}

/** A row of a million tasks with long commands. */
const LONGEST_LINE = 1024 * 1024;
const TRY_COLUMNS = ['task', 'try', 'node', 'start', 'seconds', 'end', 'exit', 'command'] as const;

/** `tasks.csv`, which collect writes; undefined while there is none. */
export async function tableOf(target: Target, runId: string): Promise<TaskRows | undefined> {
  const stream = await target.store.stream(runKeys(runId).tasksCsv);
  if (stream === undefined) return undefined;
  const lines = csvRows(stream);
  const columns = (await lines.next()).value ?? [];
  return { columns, rows: namedRows(lines, columns), isTable: true };
}

async function* namedRows(lines: AsyncIterable<string[]>, columns: readonly string[]) {
  for await (const cells of lines)
    yield Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? '']));
}

/** Tries from the joblog, in the order in which they ended. @throws CommandFailed while there is none */
export async function triesOf(target: Target, runId: string): Promise<TaskRows> {
  const keys = runKeys(runId);
  const stream = await target.store.stream(keys.joblog);
  if (stream === undefined)
    throw new CommandFailed(
      `no task of the run ${runId} has ended; \`sierra-batch status ${runId}\` says how it stands`,
    );
  // What a row does not say stands in the plan and in last-lines.tsv.
  const plan = await readRecord(target.store, keys.plan, parsePlan);
  const noted = new NotedEndings();
  for (const line of lastLines((await target.store.text(keys.lastLines)) ?? '')) noted.add(line);
  const tries = new Map<number, number>();
  async function* rows(joblog: NonNullable<typeof stream>): AsyncGenerator<TaskRow> {
    for await (const row of streamedRows(joblog)) {
      const ending = noted.of(row) ?? endingOf(row, plan?.timeouts.taskSeconds);
      const many = (tries.get(row.seq) ?? 0) + 1;
      tries.set(row.seq, many);
      yield {
        task: String(row.seq),
        try: String(many),
        node: row.host,
        start: new Date(row.startTime * 1000).toISOString(),
        seconds: String(row.runtime),
        end: endingWords(ending),
        exit: String(shellCode(ending)),
        command: row.command,
      };
    }
  }
  return { columns: TRY_COLUMNS, rows: rows(stream), isTable: false };
}

export async function allRows(rows: AsyncIterable<TaskRow>): Promise<TaskRow[]> {
  const all: TaskRow[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

/** Rows of CSV, whose cells may have line breaks. */
async function* csvRows(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string[], undefined> {
  let open = '';
  for await (const line of boundedLines(stream, { most: LONGEST_LINE, whole: true })) {
    const whole = open === '' ? line : `${open}\n${line}`;
    const isOpen = whole.split('"').length % 2 === 0;
    open = isOpen ? whole : '';
    if (!isOpen) yield csvCells(whole);
  }
  return undefined;
}
