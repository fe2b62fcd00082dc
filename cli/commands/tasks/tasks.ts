import type { Command } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import type { Ending } from '../../../experiment/records/ending.ts';
import { endingOf, endingWords } from '../../../experiment/records/ending.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { streamedRows, succeeded } from '../../../experiment/results/joblog.ts';
import { lastLines, NotedEndings } from '../../../experiment/results/last-lines.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { plainJson } from '../../../experiment/text/visible-text.ts';
import { atLeastOne, example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import type { Question } from './ask-tasks.ts';
import { askTasks } from './ask-tasks.ts';

/** `sierra-batch tasks RUN` */
export function defineTasks(program: Command, { begin }: Running): void {
  withSystem(program.command('tasks'))
    .summary('list tasks')
    .description(
      'Tries of tasks from the joblog: number, node, start, seconds, how it ended, command. With --where or --sort, of a run that has ended, tasks with their parameters and results.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--failed', 'only those that failed')
    .option('--slowest <n>', 'the slowest, slowest first', atLeastOne)
    .option('--where <conditions>', 'as in "speed=2.0 && seconds>10": = != < <= > >=, joined by &&')
    .option('--sort <column>', 'largest first; -COLUMN smallest first')
    .addHelpText(
      'after',
      example('sierra-batch tasks last --where "speed=2.0 && end!=succeeded" --sort seconds'),
    )
    .action((run, options) => begin(options, (context) => tasks(context, run, options)));
}

/** A row is written as it is read: a joblog may have a million. */
export async function tasks(
  context: Context,
  named: string | undefined,
  options: Question & { failed?: true | undefined; slowest?: number | undefined },
): Promise<number> {
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  await statusOf(target, runId);
  if (options.where !== undefined || options.sort !== undefined) {
    if (options.slowest !== undefined)
      throw new CommandFailed('--slowest lists tries; beside --where write --sort seconds');
    await askTasks(context, target, runId, options);
    return EXIT.succeeded;
  }
  const ending = await endingsOf(target, runId);
  const wanted = wantedRows(await joblogRows(target, runId), options);
  await (context.asJson ? writeJson(context, wanted) : writeTable(context, wanted, ending));
  return EXIT.succeeded;
}

/** How a row ended: what it does not say stands in the plan and in last-lines.tsv. */
async function endingsOf(target: Target, runId: string): Promise<(row: JoblogRow) => Ending> {
  const keys = runKeys(runId);
  const plan = await readRecord(target.store, keys.plan, parsePlan);
  const noted = new NotedEndings();
  for (const line of lastLines((await target.store.text(keys.lastLines)) ?? '')) noted.add(line);
  return (row) => noted.of(row) ?? endingOf(row, plan?.timeouts.taskSeconds);
}

/** The joblog's rows as they come. @throws CommandFailed while there is none */
async function joblogRows(target: Target, runId: string): Promise<AsyncIterable<JoblogRow>> {
  const stream = await target.store.stream(runKeys(runId).joblog);
  if (stream === undefined)
    throw new CommandFailed(
      `no task of the run ${runId} has ended; \`sierra-batch status ${runId}\` says how it stands`,
    );
  return streamedRows(stream);
}

async function* wantedRows(
  rows: AsyncIterable<JoblogRow>,
  { failed, slowest }: { failed?: true | undefined; slowest?: number | undefined },
): AsyncGenerator<JoblogRow> {
  let kept: JoblogRow[] = [];
  for await (const row of rows) {
    if (failed === true && succeeded(row)) continue;
    if (slowest === undefined) {
      yield row;
      continue;
    }
    kept.push(row);
    if (kept.length >= 2 * slowest + 1000) kept = slowestOf(kept, slowest);
  }
  if (slowest !== undefined) yield* slowestOf(kept, slowest);
}

function slowestOf(rows: readonly JoblogRow[], many: number): JoblogRow[] {
  return rows.toSorted((a, b) => b.runtime - a.runtime || a.seq - b.seq).slice(0, many);
}

async function writeTable(
  { terminal }: Context,
  rows: AsyncIterable<JoblogRow>,
  ending: (row: JoblogRow) => Ending,
): Promise<void> {
  await terminal.write(
    '   TASK  NODE             START                   SECONDS  ENDED               COMMAND\n',
  );
  for await (const row of rows) {
    const { seq, host, startTime, runtime, command } = row;
    const start = new Date(startTime * 1000).toISOString().slice(0, 19).replace('T', ' ');
    await terminal.write(
      `${String(seq).padStart(7)}  ${plainLine(host).padEnd(15)}  ${start}Z  ${runtime.toFixed(3).padStart(9)}  ${endingWords(ending(row)).padEnd(18)}  ${plainLine(command)}\n`,
    );
  }
}

async function writeJson({ terminal }: Context, rows: AsyncIterable<JoblogRow>): Promise<void> {
  let before = '[';
  for await (const row of rows) {
    await terminal.write(`${before}\n${plainJson(row)}`);
    before = ',';
  }
  await terminal.write(before === '[' ? '[]\n' : '\n]\n');
}
