import type { Command } from '@commander-js/extra-typings';
import { cleanJobRequests } from '../../../experiment/batch/maintenance-job.ts';
import { duration, example, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { liveTarget } from '../../context/select-run.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** `sierra-batch clean` */
export function defineClean(program: Command, { begin }: Running): void {
  withSystem(program.command('clean'))
    .summary('free shared storage')
    .description(
      'Removes folders of ended runs and of workspaces from shared storage, by a job of one node. Results in the bucket stay. Needs the operators’ policy.',
    )
    .argument('[run...]', 'ids of ended runs', (text, before: readonly string[] | undefined) => [
      ...(before ?? []),
      runIdArgument(text),
    ])
    .option('--older <duration>', 'what nobody has touched for so long: 30d', duration)
    .option('--workspace <name...>', 'workspaces')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch clean --older 30d'))
    .action((runs, options) => begin(options, (context) => clean(context, runs ?? [], options)));
}

/** @param options `older` in seconds */
async function clean(
  context: Context,
  runIds: readonly string[],
  options: { older?: number | undefined; workspace?: readonly string[] | undefined; yes?: true | undefined },
): Promise<number> {
  const { older, workspace: workspaces = [] } = options;
  if (runIds.length === 0 && workspaces.length === 0 && older === undefined)
    throw new CommandFailed('name runs, --workspace or --older: nothing is removed without');
  if (options.yes !== true && !(await agreed(context)))
    throw new CommandFailed('nothing was removed; --yes says that it may be');
  const target = await liveTarget(context);
  const order = { runIds, workspaces, olderThanSeconds: older };
  const { runMaintenance } = await import('./jobs.ts');
  return runMaintenance(context, target, cleanJobRequests(order, target.live.deployment, context.nonce()));
}

async function agreed({ terminal }: Context): Promise<boolean> {
  if (!terminal.asks) return false;
  const { confirm } = await import('@clack/prompts');
  return (
    (await confirm({
      message: 'Remove these folders from shared storage for good?',
      initialValue: false,
    })) === true
  );
}
