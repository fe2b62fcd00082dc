import type { Command } from '@commander-js/extra-typings';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { Dropped } from '../../../submission/drop-manifest.ts';
import { remarksOnNodes } from '../../../submission/nodes-option.ts';
import { example, withSystem } from '../../context/arguments.ts';
import type { Context, Running } from '../../context/context.ts';
import { costOf, destinationOf } from '../../context/select-run.ts';
import type { LiveTarget, Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { systemHere, systemThatIsUp } from '../../local-system/system-here.ts';
import type { JudgedManifest } from '../manifest/judge.ts';
import { judgeManifest, renderJudged } from '../manifest/judge.ts';
import { watch } from './watch.ts';

/** `sierra-batch submit FILE` */
export function defineSubmit(program: Command, { begin }: Running): void {
  withSystem(program.command('submit'))
    .summary('submit a manifest')
    .description(
      'Packs the folders that it names, puts it into the bucket under a new key, prints the run’s id, and waits until it is accepted or rejected. Submitting again is a new run. With --watch, where no local system is up, it keeps one up as `run` does.',
    )
    .argument('<file>', 'the manifest')
    .option('--watch', 'stay and watch the run; ends with the run’s exit code')
    .addHelpText('after', example('sierra-batch submit experiment.yaml --watch'))
    .action((file, options) => begin(options, (context) => submit(context, file, options)));
}

/** What is done once the run is there. */
interface Staying {
  watch?: true | undefined;
  /** Shows the page of a watched run in the browser. */
  open?: true | undefined;
}

async function submit(context: Context, shownAs: string, options: Staying): Promise<number> {
  const { terminal } = context;
  const target = await systemThatIsUp(context);
  if (target === undefined && options.watch !== true)
    throw new CommandFailed(
      'no local system is up here: `--watch` keeps one up for this run, `sierra-batch local` in another terminal for many; or name a stack (--stack, SIERRA_BATCH_STACK)',
    );
  const judged = judgeManifest(context.cwd, shownAs, { deployment: target?.live.deployment });
  const remarks = renderJudged(judged);
  if (remarks !== '') terminal.remark(remarks);
  if (!judged.ok) {
    if (context.asJson) terminal.json({ accepted: false, faults: judged.faults });
    return EXIT.badEnvironment;
  }
  return target === undefined
    ? systemHere(context, {}, (here, own) => submitJudged(here, own, judged, options))
    : submitJudged(context, target, judged, options);
}

/** Packs, drops, and says what became of it. @throws CommandFailed where something cannot be sent */
export async function submitJudged(
  context: Context,
  target: LiveTarget,
  judged: JudgedManifest & { ok: true },
  options: Staying,
): Promise<number> {
  const [{ dropManifest }, { NothingToPack }] = await Promise.all([
    import('../../../submission/drop-manifest.ts'),
    import('../../../submission/survey.ts'),
  ]);
  if (target.kind === 'local')
    for (const remark of remarksOnNodes(judged.manifest, {})) context.terminal.remark(remark);
  try {
    const dropped = await dropManifest(await destinationOf(context, target), judged.file, judged);
    return await tellDropped(context, target, dropped, options);
  } catch (error) {
    throw error instanceof NothingToPack ? new CommandFailed(error.message) : error;
  }
}

/** Tells what became of a manifest, and watches the run where that is asked for. */
export async function tellDropped(
  context: Context,
  target: Target,
  dropped: Dropped,
  options: Staying,
): Promise<number> {
  const { terminal, asJson } = context;
  const { runId } = dropped;
  switch (dropped.kind) {
    case 'rejected':
      if (asJson) terminal.json({ accepted: false, rejection: dropped.rejection });
      else terminal.remark(`The manifest was rejected:\n${dropped.rejection}`);
      return EXIT.badEnvironment;
    case 'nothing-to-do':
      if (asJson) terminal.json({ accepted: false, runId, nothingToDo: dropped.said });
      else terminal.remark(dropped.said);
      return EXIT.succeeded;
    case 'no-answer':
      throw new CommandFailed(
        `the manifest was put into the bucket, and ${target.name} has neither accepted nor rejected it within ${dropped.seconds} s; \`sierra-batch status ${runId}\` shows the run once it is there`,
        EXIT.tasksFailed,
      );
    case 'accepted':
      await tellMisses(context, target, runId);
      if (options.watch === true) {
        if (!asJson) terminal.say(`run ${runId}`);
        return await watch(context, runId, options);
      }
      if (asJson) terminal.json({ accepted: true, runId, folder: target.place(runKeys(runId).folder) });
      else {
        terminal.say(runId);
        const cost = await costOf(target, runId);
        if (cost !== undefined) terminal.remark(cost.most);
        terminal.remark(`Accepted by ${target.name}. Watch it: sierra-batch watch ${runId}`);
      }
      return EXIT.succeeded;
  }
}

/** What the system has seen in a list that is in S3; what is on this machine was judged before. */
async function tellMisses({ terminal }: Context, target: Target, runId: string): Promise<void> {
  const warnings = (await target.store.text(runKeys(runId).warnings)) ?? '';
  for (const warning of warnings.split(/^(?=\S)/m))
    if (warning.startsWith('s3://')) terminal.remark(`warning: ${warning}`);
}
