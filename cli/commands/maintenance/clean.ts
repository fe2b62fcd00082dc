import type { Command } from '@commander-js/extra-typings';
import { cleanJobRequests } from '../../../experiment/batch/maintenance-job.ts';
import { duration, example, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { liveTarget, namedRun } from '../../context/select-run.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** `sierra-batch clean` */
export function defineClean(program: Command, { begin }: Running): void {
  withSystem(program.command('clean'))
    .summary('free shared storage')
    .description(
      'Removes folders of ended runs and of workspaces from shared storage, by a job of one node. Results in the bucket stay. Needs the operators’ policy.',
    )
    .argument(
      '[run...]',
      'ended runs: each by its id or its beginning, its name (the newest run), or `last`',
      (text, before: readonly string[] | undefined) => [...(before ?? []), runIdArgument(text)],
    )
    .option('--older <duration>', 'what nobody has touched for so long: 30d', duration)
    .option('--workspace <name...>', 'workspaces')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch clean --older 30d'))
    .action((runs, options) => begin(options, (context) => clean(context, runs ?? [], options)));
}

/** @param options `older` in seconds */
export async function clean(
  context: Context,
  named: readonly string[],
  options: { older?: number | undefined; workspace?: readonly string[] | undefined; yes?: true | undefined },
): Promise<number> {
  const { older, workspace: workspaces = [] } = options;
  if (named.length === 0 && workspaces.length === 0 && older === undefined)
    throw new CommandFailed('name runs, --workspace or --older: nothing is removed without');
  const refused = () => new CommandFailed('nothing was removed; --yes says that it may be');
  if (options.yes !== true && !context.terminal.asks) throw refused();
  const target = await liveTarget(context);
  const found = await Promise.all(named.map((word) => namedRun(target, word)));
  const runIds = [...new Set(found)];
  if (runIds.length > 0) context.terminal.remark(`To be removed: ${runIds.join(', ')}`);
  if (options.yes !== true && !(await agreed())) throw refused();
  const order = { runIds, workspaces, olderThanSeconds: older };
  const { runMaintenance } = await import('./jobs.ts');
  return runMaintenance(context, target, cleanJobRequests(order, target.live.deployment, context.nonce()));
}

async function agreed(): Promise<boolean> {
  const { confirm } = await import('@clack/prompts');
  return (
    (await confirm({
      message: 'Remove these folders from shared storage for good?',
      initialValue: false,
    })) === true
  );
}
