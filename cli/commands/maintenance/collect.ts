import type { Command } from '@commander-js/extra-typings';
import { salvageJobRequest } from '../../../experiment/batch/maintenance-job.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { example, RUN_NEEDED_HELP, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { namedRun, statusOf } from '../../context/select-run.ts';
import type { LiveTarget } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { withLiveSystem } from '../../local-system/system-here.ts';

/** `sierra-batch collect RUN` */
export function defineCollect(program: Command, { begin }: Running): void {
  withSystem(program.command('collect'))
    .summary('recover results after node 0 was lost')
    .description(
      'Brings joblog, failed tasks’ output and outputs of an ended run from shared storage to the bucket, by a job of one node. Needs the operators’ policy.',
    )
    .argument('<run>', RUN_NEEDED_HELP, runIdArgument)
    .addHelpText('after', example('sierra-batch collect speed-sweep-0123456789a'))
    .action((run, options) =>
      begin(options, (context) =>
        withLiveSystem(context, undefined, (here, target) => collect(here, target, run)),
      ),
    );
}

async function collect(context: Context, target: LiveTarget, named: string): Promise<number> {
  const runId = await namedRun(target, named);
  const { state } = await statusOf(target, runId);
  if (!isOutcome(state))
    throw new CommandFailed(`the run ${runId} is ${state}: only an ended one can be salvaged`);
  const { runMaintenance } = await import('./jobs.ts');
  return runMaintenance(context, target, [salvageJobRequest(runId, target.live.deployment)]);
}
