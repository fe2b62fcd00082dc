import type { Command } from '@commander-js/extra-typings';
import { waysToLook } from '../../../experiment/diagnosis/next-steps.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { parseProgress } from '../../../experiment/records/progress.ts';
import type { Summary } from '../../../experiment/records/summary.ts';
import { exitCodeOf, parseSummary } from '../../../experiment/records/summary.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import type { RunServer } from '../../../report/server/serve-run.ts';
import { makeDisplay } from '../../../submission/progress-display.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { readRecord } from '../../context/run-store.ts';
import { chosenRun, costOf, statusOf, stoppedSentence, withPlaces } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { isOfNetwork } from '../../errors/explain-aws-error.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { openInBrowser, openReport } from './report.ts';

/** `sierra-batch watch RUN` */
export function defineWatch(program: Command, { begin }: Running): void {
  withSystem(program.command('watch'))
    .summary('watch a run until it has ended')
    .description(
      'Live progress, a bar for each node, rate and time left, and why the run waits when it does. Ends with the run’s exit code. Ctrl-C leaves the run alone.',
    )
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--open', 'show the run’s page in the browser, live; at the end it is the report')
    .addHelpText('after', example('sierra-batch watch speed-sweep-0123456789a'))
    .action((run, options) => begin(options, (context) => watch(context, run, options)));
}

/** Ends with the run's exit code. */
export async function watch(
  context: Context,
  named: string | undefined,
  { open }: { open?: true | undefined } = {},
): Promise<number> {
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const page = open === true ? await openPage(context, target, runId) : undefined;
  const summary = await untilEnded(context, target, runId);
  await page?.close();
  if (context.asJson) context.terminal.json(summary);
  else await tellEnd(context, target, summary);
  return exitCodeOf(summary);
}

/** Shows the page of a run in the browser: served from here while it goes on, its report once it has ended. */
async function openPage(context: Context, target: Target, runId: string): Promise<RunServer | undefined> {
  const { state } = await statusOf(target, runId);
  if (target.live === undefined || isOutcome(state)) {
    await openReport(context, target, runId);
    return undefined;
  }
  const { serveRun } = await import('../../../report/server/serve-run.ts');
  const { clock, nonce, terminal } = context;
  const of = { bucket: await target.live.bucket(), clock, lookMs: target.lookMs };
  const page = await serveRun(of, runId, nonce());
  terminal.remark(`Page of the run, live, for a browser on this machine: ${page.file}`);
  await openInBrowser(page.file);
  return page;
}

/** Waits for a run's end; `shown` shows it meanwhile. @throws CommandFailed where nothing can end it any more */
export async function untilEnded(
  context: Context,
  target: Target,
  runId: string,
  { shown = true, signal }: { shown?: boolean; signal?: AbortSignal } = {},
): Promise<Summary> {
  const { terminal, clock } = context;
  const { live, own } = target;
  if (live === undefined) return leftOf(target, runId);
  await statusOf(target, runId);
  context.whenInterrupted(
    `The run goes on. Watch it again: sierra-batch watch ${runId}. Stop it: sierra-batch cancel ${runId}`,
  );
  const cost = shown && !context.asJson ? await costOf(target, runId) : undefined;
  const display = makeDisplay(terminal.output, {
    interactive: terminal.interactive,
    colour: terminal.colour,
    now: () => clock.now(),
    // Where nothing is paid, the first line says so.
    ...(cost === undefined || cost.isFree ? {} : { spent: cost.spent }),
  });
  if (cost !== undefined) display.say(cost.most);
  const { watchRun } = await import('../../../submission/watch-run.ts');
  const isShown = shown && !context.asJson;
  if (isShown) own?.sayBy(display.say);
  const watching = watchRun(await live.bucket(), runId, {
    clock,
    lookMs: target.lookMs,
    nodes: terminal.interactive,
    ...(isShown ? { onView: display.update } : {}),
    ...(signal === undefined ? {} : { signal }),
  }).finally(() => {
    display.end();
    own?.sayBy();
  });
  const summary = await watching.catch((error: unknown) => {
    if (target.kind === 'stack' || !(error instanceof Error && isOfNetwork(error))) throw error;
    const { live: _gone, ...files } = target;
    return leftOf(files, runId);
  });
  if (summary === undefined) throw new CommandFailed(`the run ${runId} has not ended yet`, 1);
  return summary;
}

/** The end of a run whose local system is not up any more. @throws CommandFailed where it has none */
async function leftOf(target: Target, runId: string): Promise<Summary> {
  const keys = runKeys(runId);
  const status = await statusOf(target, runId);
  const summary = await readRecord(target.store, keys.summary, parseSummary);
  if (isOutcome(status.state) && summary !== undefined) return summary;
  const progress = await readRecord(target.store, keys.progress, parseProgress);
  throw new CommandFailed(
    stoppedSentence(target, runId, status, progress) ?? `the run ${runId} has no summary`,
    EXIT.terminated,
  );
}

async function tellEnd({ terminal }: Context, target: Target, summary: Summary): Promise<void> {
  const { runId, headline, why, next, outcome } = summary;
  const keys = runKeys(runId);
  terminal.say('');
  for (const sentence of [headline, why, outcome === 'succeeded' ? '' : next])
    if (sentence !== '') terminal.say(plainLine(withPlaces(sentence, runId, target)));
  terminal.say('');
  terminal.say(`report   ${target.place(keys.report)}`);
  if ((await target.store.text(keys.outputIndex)) !== undefined)
    terminal.say(`outputs  sierra-batch fetch ${runId}`);
  const plan = await readRecord(target.store, keys.plan, parsePlan);
  for (const line of waysToLook(summary, plan?.keepOutput)) terminal.say(line);
}
