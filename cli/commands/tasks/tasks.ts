import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { Condition } from '../../../experiment/results/where.ts';
import { BadQuestion, checkColumn, compareCells, parseWhere } from '../../../experiment/results/where.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { plainJson } from '../../../experiment/text/visible-text.ts';
import { atLeastOne, example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { table } from '../../output/table.ts';
import type { TaskRow, TaskRows } from './task-rows.ts';
import { allRows, tableOf, triesOf } from './task-rows.ts';

/** What is asked of the tasks of a run. */
interface Question {
  where?: string | undefined;
  sort?: string | undefined;
  failed?: true | undefined;
  slowest?: number | undefined;
  tries?: true | undefined;
}

/** In a terminal; JSON has all. */
const SHOWN = 1000;

/** `sierra-batch tasks RUN` */
export function defineTasks(program: Command, { begin }: Running): void {
  withSystem(program.command('tasks'))
    .summary('list tasks')
    .description(
      'Tasks with their parameters, how each ended, and its results. While the run goes on, and with --tries: each try that has ended.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--failed', 'only those that failed')
    .option('--where <conditions>', 'as in "speed=2.0 && seconds>10": = != < <= > >=, joined by &&')
    .option('--sort <column>', 'largest first; -COLUMN smallest first')
    .option('--slowest <n>', 'as --sort seconds, and only so many', atLeastOne)
    .option('--tries', 'each try instead of each task')
    .addHelpText(
      'after',
      example('sierra-batch tasks last --where "speed=2.0 && end!=succeeded" --sort seconds'),
    )
    .action((run, options) => begin(options, (context) => tasks(context, run, options)));
}

export async function tasks(
  context: Context,
  named: string | undefined,
  question: Question,
): Promise<number> {
  const { where, slowest, tries, sort = slowest === undefined ? undefined : 'seconds' } = question;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  await statusOf(target, runId);
  const of = (tries === undefined && (await tableOf(target, runId))) || (await triesOf(target, runId));
  try {
    if (sort !== undefined) checkColumn(sort.replace(/^-/, ''), of.columns);
    const condition = where === undefined ? () => true : parseWhere(where, of.columns);
    const wanted = wantedRows(of, condition, question.failed === true);
    const rows = sort === undefined ? wanted : await sorted(wanted, sort, slowest);
    await (context.asJson ? writeJson(context, rows) : writeTable(context, of.columns, rows));
  } catch (error) {
    if (!(error instanceof BadQuestion)) throw error;
    const untilEnd = of.isTable || tries === true ? '' : '; parameters are columns when the run has ended';
    throw new CommandFailed(`${error.message}${untilEnd}`);
  }
  return EXIT.succeeded;
}

async function* wantedRows({ rows }: TaskRows, condition: Condition, onlyFailed: boolean) {
  for await (const row of rows) if (condition(row) && (!onlyFailed || row.end !== 'succeeded')) yield row;
}

/** Largest first, as one who looks for the slowest wants it; with a hyphen before the name the other way round. */
async function sorted(wanted: AsyncIterable<TaskRow>, sort: string, most?: number): Promise<TaskRow[]> {
  const name = sort.replace(/^-/, '');
  const sign = sort.startsWith('-') ? 1 : -1;
  const rows = await allRows(wanted);
  rows.sort((a, b) => {
    const [one, other] = [a[name] ?? '', b[name] ?? ''];
    return one === '' || other === '' ? compareCells(one, other) : sign * compareCells(one, other);
  });
  return rows.slice(0, most);
}

/** Without what all rows have empty, and with the command at the end. */
async function writeTable(
  { terminal }: Context,
  columns: readonly string[],
  rows: AsyncIterable<TaskRow> | readonly TaskRow[],
): Promise<void> {
  const first: TaskRow[] = [];
  let more = 0;
  for await (const row of rows) {
    if (first.length < SHOWN) first.push(row);
    else more += 1;
  }
  const used = columns.filter((name) => name !== 'command' && first.some((row) => row[name] !== ''));
  const heads = [...used, 'command'];
  const lines = table(
    heads.map((name) => name.toUpperCase()),
    first.map((row) => heads.map((name) => plainLine(row[name] ?? '').slice(0, 200))),
  );
  if (more > 0) lines.push(`… and ${more} more; --json has all`);
  await terminal.write(first.length === 0 ? 'no task\n' : `${lines.join('\n')}\n`);
}

/** A row is written as it is read: there may be a million. */
async function writeJson(
  { terminal }: Context,
  rows: AsyncIterable<TaskRow> | readonly TaskRow[],
): Promise<void> {
  let before = '[';
  for await (const row of rows) {
    await terminal.write(`${before}\n${plainJson(row)}`);
    before = ',';
  }
  await terminal.write(before === '[' ? '[]\n' : '\n]\n');
}
