import { resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { chosenRun, statusOf, stoppedSentence } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { writeFor } from '../../output/write-for.ts';

/** `sierra-batch report RUN` */
export function defineReport(program: Command, { begin }: Running): void {
  withSystem(program.command('report'))
    .summary('get the report of a run')
    .description('Says where the report of an ended run is; from AWS it is written to a file.')
    .argument('[run]', RUN_HELP, runIdArgument)
    .option('--open', 'show it in the browser')
    .option('--output <file>', 'write it there')
    .addHelpText('after', example('sierra-batch report speed-sweep-0123456789a --open'))
    .action((run, options) => begin(options, (context) => report(context, run, options)));
}

async function report(
  context: Context,
  named: string | undefined,
  options: { open?: true | undefined; output?: string | undefined },
): Promise<number> {
  const { terminal } = context;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const status = await statusOf(target, runId);
  const shown = await fileOfReport(context, target, runId, options.output);
  if (shown === undefined)
    throw new CommandFailed(
      stoppedSentence(target, runId, status) ?? `the run ${runId} is ${status.state} and has no report yet`,
      1,
    );
  if (context.asJson) terminal.json({ runId, file: shown });
  else terminal.say(shown);
  if (options.open === true) await openInBrowser(resolve(context.cwd, shown));
  return EXIT.succeeded;
}

/** Shows the report of a run that has just ended. */
export async function openReport(context: Context, target: Target, runId: string): Promise<void> {
  const shown = await fileOfReport(context, target, runId);
  if (shown !== undefined) await openInBrowser(resolve(context.cwd, shown));
}

/** Where a report is on this machine; from AWS it is written there. */
async function fileOfReport(
  { cwd }: Context,
  target: Target,
  runId: string,
  output?: string,
): Promise<string | undefined> {
  const key = runKeys(runId).report;
  const html = await target.store.text(key);
  if (html === undefined) return undefined;
  if (output === undefined && target.folder !== undefined) return target.place(key);
  const shown = output ?? `${runId}.html`;
  writeFor(resolve(cwd, shown), shown, html);
  return shown;
}

export async function openInBrowser(file: string): Promise<void> {
  const { default: open } = await import('open');
  await open(file);
}
