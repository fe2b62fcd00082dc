import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { csvCells } from '../../../experiment/results/cells.ts';
import type { Condition } from '../../../experiment/results/where.ts';
import { BadQuestion, checkColumn, compareCells, parseWhere } from '../../../experiment/results/where.ts';
import { boundedLines } from '../../../experiment/text/bounded-lines.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { plainJson } from '../../../experiment/text/visible-text.ts';
import type { Context } from '../../context/context.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { table } from '../../output/table.ts';

/** What is asked of the table of tasks that a run has left. */
export interface Question {
  where?: string | undefined;
  sort?: string | undefined;
  failed?: true | undefined;
}

export type TaskRow = Readonly<Record<string, string>>;

/** A row of a million tasks with long commands. */
const LONGEST_LINE = 1024 * 1024;
/** In a terminal; JSON has all. */
const SHOWN = 1000;

/** Answers from `tasks.csv`, which collect writes: parameters are columns there. @throws CommandFailed */
export async function askTasks(
  { terminal, asJson }: Context,
  target: Target,
  runId: string,
  question: Question,
): Promise<void> {
  const { columns, rows } = await rowsOf(target, runId, question).catch((error: unknown) => {
    throw error instanceof BadQuestion ? new CommandFailed(error.message) : error;
  });
  if (asJson) await terminal.write(`[${rows.map((row) => `\n${plainJson(row)}`).join(',')}\n]\n`);
  else if (rows.length === 0) await terminal.write('no task\n');
  else for (const line of shown(columns, rows)) await terminal.write(`${line}\n`);
}

/** Rows of the table of tasks that a question means. @throws BadQuestion, CommandFailed while there is no table */
export async function rowsOf(
  target: Target,
  runId: string,
  { where, sort, failed }: Question = {},
): Promise<{ columns: readonly string[]; rows: TaskRow[] }> {
  const stream = await target.store.stream(runKeys(runId).tasksCsv);
  if (stream === undefined)
    throw new CommandFailed(
      `the run ${runId} has no table of tasks: it is written when a run has ended; \`sierra-batch status ${runId}\` says how it stands`,
    );
  const rows: TaskRow[] = [];
  let columns: string[] = [];
  let condition: Condition = () => true;
  for await (const cells of csvRows(stream)) {
    if (columns.length === 0) {
      columns = cells;
      if (sort !== undefined) checkColumn(sort.replace(/^-/, ''), columns);
      if (where !== undefined) condition = parseWhere(where, columns);
      continue;
    }
    const row = Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? '']));
    if (condition(row) && (failed === undefined || row.end !== 'succeeded')) rows.push(row);
  }
  return { columns, rows: sort === undefined ? rows : rows.sort(inOrder(sort)) };
}

/** Largest first, as one who looks for the slowest wants it; with a hyphen before the name the other way round. */
function inOrder(sort: string): (a: TaskRow, b: TaskRow) => number {
  const name = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? 1 : -1;
  return (a, b) => {
    const [one, other] = [a[name] ?? '', b[name] ?? ''];
    return one === '' || other === '' ? compareCells(one, other) : sign * compareCells(one, other);
  };
}

/** Without what all rows have empty, and with the command at the end. */
function shown(columns: readonly string[], rows: readonly TaskRow[]): string[] {
  const first = rows.slice(0, SHOWN);
  const used = columns.filter((name) => name !== 'command' && first.some((row) => row[name] !== ''));
  const heads = [...used, 'command'];
  const lines = table(
    heads.map((name) => name.toUpperCase()),
    first.map((row) => heads.map((name) => plainLine(row[name] ?? '').slice(0, 200))),
  );
  const more = rows.length - first.length;
  return more > 0 ? [...lines, `… and ${more} more; --json has all`] : lines;
}

/** Rows of CSV, whose cells may have line breaks. */
async function* csvRows(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string[]> {
  let open = '';
  for await (const line of boundedLines(stream, { most: LONGEST_LINE, whole: true })) {
    const whole = open === '' ? line : `${open}\n${line}`;
    const isOpen = whole.split('"').length % 2 === 0;
    open = isOpen ? whole : '';
    if (!isOpen) yield csvCells(whole);
  }
}
