import type { Command } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import type { Progress } from '../../../experiment/records/progress.ts';
import { parseProgress } from '../../../experiment/records/progress.ts';
import type { Status } from '../../../experiment/records/status.ts';
import { statesOf } from '../../../experiment/records/status.ts';
import { parseSummary } from '../../../experiment/records/summary.ts';
import { failing } from '../../../experiment/status/progress-words.ts';
import { spoken } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { renderBar } from '../../../submission/progress-display.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, costOf, statusOf, stoppedSentence, withPlaces } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';

/** `sierra-batch status RUN` */
export function defineStatus(program: Command, { begin }: Running): void {
  withSystem(program.command('status'))
    .summary('show where a run stands')
    .description('The state of a run with its history, and the sentence that says why and what next.')
    .argument('[run]', RUN_HELP, runIdArgument)
    .addHelpText('after', example('sierra-batch status speed-sweep-0123456789a'))
    .action((run, options) => begin(options, (context) => status(context, run)));
}

export async function status(context: Context, named: string | undefined): Promise<number> {
  const { terminal } = context;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const keys = runKeys(runId);
  const found = await statusOf(target, runId);
  const [progress, summary] = await Promise.all([
    readRecord(target.store, keys.progress, parseProgress),
    readRecord(target.store, keys.summary, parseSummary),
  ]);
  const stopped = stoppedSentence(target, runId, found, progress);
  if (context.asJson) {
    const record = { status: found, progress: progress ?? null, summary: summary ?? null };
    terminal.json(stopped === undefined ? record : { ...record, stopped });
    return EXIT.succeeded;
  }
  const attempt = found.attempt > 1 ? `, attempt ${found.attempt}` : '';
  terminal.say(`${runId}: ${stopped === undefined ? found.state : 'stopped'}${attempt}`);
  for (const sentence of stopped === undefined ? [found.headline, found.why, found.next] : [stopped])
    if (sentence !== '') terminal.say(plainLine(withPlaces(sentence, runId, target)));
  terminal.say('');
  for (const line of historyLines(found)) terminal.say(line);
  if (summary !== undefined) terminal.say(`\nreport  ${target.place(keys.report)}`);
  else if (stopped === undefined) await tellProgress(context, target, found, progress);
  return EXIT.succeeded;
}

/** Of a run without a summary, whose system is up. */
async function tellProgress(
  { terminal }: Context,
  target: Target,
  { runId, state }: Status,
  progress: Progress | undefined,
): Promise<void> {
  if (state === 'running' && progress !== undefined && progress.tasks.total > 0)
    terminal.output.write(
      `\n${renderBar(progress, terminal.output.columns || 80, terminal.colour)}\n${failing(progress).map((line) => `${line}\n`)}`,
    );
  const cost = progress === undefined ? undefined : await costOf(target, runId);
  if (progress !== undefined && cost !== undefined) terminal.say(`\ncost    ${cost.spent(progress)}`);
  if (!isOutcome(state)) terminal.say(`\nWatch it: sierra-batch watch ${runId}`);
}

/** Each state of each attempt, when it was entered, and how long after the one before. */
function historyLines(status: Status): string[] {
  return statesOf(status).map(({ state, at, attempt = 0 }, index, states) => {
    const before = states[index - 1];
    const passed =
      before === undefined ? '' : `  +${spoken((Date.parse(at) - Date.parse(before.at)) / 1000)}`;
    const isNext = attempt > 1 && attempt > (before?.attempt ?? 0);
    const again = isNext ? `  attempt ${attempt - 1} had ended: attempt ${attempt}` : '';
    return `${state.padEnd(10)}  ${at.replace('T', ' ').replace(/\.\d+Z$/, 'Z')}${passed}${again}`;
  });
}
