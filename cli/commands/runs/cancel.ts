import type { Command } from '@commander-js/extra-typings';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { cancellationCause } from '../../../experiment/run/cancellation.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import { withDeadline } from '../../../experiment/util/timers.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { byFullId, confirmed, namedRun, statusOf, stoppedSentence } from '../../context/select-run.ts';
import { isLive } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { untilEnded } from './watch.ts';

/** Nodes get half a minute to end, Batch takes its time to say so, and settle looks once a minute. */
const ENDS_WITHIN_MS = 15 * 60_000;

/** `sierra-batch cancel RUN` */
export function defineCancel(program: Command, { begin }: Running): void {
  withSystem(program.command('cancel'))
    .summary('stop a run')
    .description(
      'Stops a run and waits for all nodes to finish. What is done is kept. Status, report and mail say who did it, and why.',
    )
    .argument('<run>', RUN_NEEDED_HELP, runIdArgument)
    .option('--reason <text>', 'why, for whoever looks at the run later')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch cancel speed-sweep-0123456789a --reason "wrong seed"'))
    .action((run, options) => begin(options, (context) => cancel(context, run, options)));
}

/** Tells who did it and why, and waits until nothing of it runs any more. */
export async function cancel(
  context: Context,
  named: string,
  { reason = '', yes }: { reason?: string | undefined; yes?: true | undefined } = {},
): Promise<number> {
  const { terminal, asJson } = context;
  const target = await context.target();
  const runId = await namedRun(target, named);
  const before = await statusOf(target, runId);
  if (isOutcome(before.state)) {
    if (asJson) terminal.json({ runId, state: before.state, cancelled: false });
    else terminal.say(`${runId} has ended before: ${before.state}.`);
    return EXIT.succeeded;
  }
  if (!isLive(target)) throw new CommandFailed(stoppedSentence(target, runId, before) ?? '');
  await confirmed(context, {
    message: `Stop ${runId}, which is ${before.state}?`,
    yes: yes ?? byFullId(context, named, runId),
    refused: 'nothing was stopped',
  });
  const states = await target.live.states();
  await states.stopExecution({
    executionArn: executionArn(target.live.deployment.stateMachineArn, runId),
    error: 'Cancelled',
    cause: cancellationCause({ by: await target.live.user(), reason }),
  });
  if (!asJson) terminal.remark(`Stopping ${runId}; waiting for all nodes to finish.`);
  const summary = await withDeadline(context.clock, ENDS_WITHIN_MS, (signal) =>
    untilEnded(context, target, runId, { shown: false, signal }),
  );
  if (asJson)
    terminal.json({ runId, state: summary.outcome, cancelled: summary.outcome === 'cancelled', summary });
  else terminal.say(plainLine(summary.headline));
  return EXIT.succeeded;
}
