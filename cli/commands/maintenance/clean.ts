import type { Command } from '@commander-js/extra-typings';
import { cleanJobRequests } from '../../../experiment/batch/maintenance-job.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { counted, spoken } from '../../../experiment/text/numbers.ts';
import { duration, example, runIdArgument, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { confirmed, namedRun } from '../../context/select-run.ts';
import type { LiveTarget } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { withLiveSystem } from '../../local-system/system-here.ts';
import { insistOnPast, removeRecords } from './remove-records.ts';

/** `sierra-batch clean` */
export function defineClean(program: Command, { begin }: Running): void {
  withSystem(program.command('clean'))
    .summary('free shared storage')
    .description(
      'Removes folders of ended runs and of workspaces from shared storage, by a job of one node. Results in the bucket stay, except with --records, which deletes the runs. On AWS it needs the operators’ policy.',
    )
    .argument(
      '[run...]',
      'ended runs: each by its id or its beginning, its name (the newest run), or `last`',
      (text, before: readonly string[] | undefined) => [...(before ?? []), runIdArgument(text)],
    )
    .option('--older <duration>', 'what has not changed for so long: 30d', duration)
    .option('--workspace <name...>', 'workspaces')
    .option('--records', 'delete these runs: results, report and manifest in the bucket as well')
    .option('--dry-run', 'say what would go, and remove nothing')
    .option('--yes', 'without asking')
    .addHelpText('after', example('sierra-batch clean --older 30d --dry-run'))
    .action((runs, options) => begin(options, (context) => clean(context, runs ?? [], options)));
}

/** @param options `older` in seconds */
export async function clean(
  context: Context,
  named: readonly string[],
  options: {
    older?: number | undefined;
    workspace?: readonly string[] | undefined;
    records?: true | undefined;
    dryRun?: true | undefined;
    yes?: true | undefined;
  },
): Promise<number> {
  const { older, workspace = [], records = false } = options;
  if (named.length === 0 && workspace.length === 0 && older === undefined)
    throw new CommandFailed('name runs, or use --workspace or --older');
  if (records && (named.length === 0 || workspace.length > 0 || older !== undefined))
    throw new CommandFailed('--records deletes runs that are named, and goes with none of the other options');
  return withLiveSystem(context, options.yes, (here, target) => cleanIn(here, target, named, options));
}

async function cleanIn(
  context: Context,
  target: LiveTarget,
  named: readonly string[],
  { older, workspace: workspaces = [], records, dryRun, yes }: Parameters<typeof clean>[2],
): Promise<number> {
  const found = await Promise.all(named.map((word) => namedRun(target, word)));
  const runIds = [...new Set(found)];
  const wanted = [
    ...runIds,
    ...workspaces.map((name) => `the workspace ${name}`),
    ...(older === undefined ? [] : [`what has not changed for ${spoken(older)}`]),
  ];
  if (records === true) await insistOnPast(target, runIds);
  const whole = records === true ? ', with results, report and manifest in the bucket' : '';
  context.terminal.remark(`To be removed: ${wanted.join(', ')}${whole}`);
  if (dryRun !== true)
    await confirmed(context, {
      message:
        records === true
          ? `Delete ${runIds.join(', ')} for good?`
          : 'Remove these from shared storage for good?',
      yes,
      refused: 'nothing was removed',
    });
  const order = { runIds, workspaces, olderThanSeconds: older, dryRun };
  const { runMaintenance } = await import('./jobs.ts');
  const requests = cleanJobRequests(order, target.live.deployment, context.nonce());
  const code = await runMaintenance(context, target, requests, { mayMiss: records === true });
  if (records === true && code === EXIT.succeeded && dryRun !== true)
    for (const runId of runIds) {
      const objects = await removeRecords(await target.live.bucket(), runId);
      context.terminal.remark(`Deleted: ${runId} (${counted(objects, 'object')} of the bucket)`);
    }
  return code;
}
