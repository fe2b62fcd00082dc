import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { example, RUN_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { chosenRun, statusOf } from '../../context/select-run.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** `sierra-batch report RUN` */
export function defineReport(program: Command, { begin }: Running): void {
  withSystem(program.command('report'))
    .summary('get the report of a run')
    .description('Tells where the report of an ended run lies; from AWS it is written to a file.')
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
  const { terminal, cwd } = context;
  const target = await context.target();
  const runId = await chosenRun(context, target, named);
  const { state } = await statusOf(target, runId);
  const key = runKeys(runId).report;
  const html = await target.store.text(key);
  if (html === undefined) throw new CommandFailed(`the run ${runId} is ${state} and has no report yet`, 1);
  let shown = options.output;
  if (shown === undefined && target.folder !== undefined) shown = target.place(key);
  else {
    shown ??= `${runId}.html`;
    writeFileSync(resolve(cwd, shown), html);
  }
  if (context.asJson) terminal.json({ runId, file: shown });
  else terminal.say(shown);
  if (options.open === true) {
    const { default: open } = await import('open');
    await open(join(resolve(cwd, shown)));
  }
  return EXIT.succeeded;
}
