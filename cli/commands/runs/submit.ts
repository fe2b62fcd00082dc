import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { Dropped } from '../../../submission/drop-manifest.ts';
import { dropManifest } from '../../../submission/drop-manifest.ts';
import { NothingToPack } from '../../../submission/pack.ts';
import type { Context } from '../../context/context.ts';
import { destinationOf, liveTarget } from '../../context/select-run.ts';
import type { Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { judgeManifest, renderJudged } from '../manifest/judge.ts';
import { watch } from './watch.ts';

/** `sierra-batch submit FILE` */
export async function submit(
  context: Context,
  shownAs: string,
  options: { watch?: true | undefined },
): Promise<number> {
  const { terminal } = context;
  const target = await liveTarget(context);
  const judged = judgeManifest(context.cwd, shownAs, target.live.deployment);
  const remarks = renderJudged(judged);
  if (remarks !== '') terminal.remark(remarks);
  if (!judged.ok) {
    if (context.asJson) terminal.json({ accepted: false, faults: judged.faults });
    return EXIT.badEnvironment;
  }
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
  options: { watch?: true | undefined },
): Promise<number> {
  const { terminal, asJson } = context;
  const { runId } = dropped;
  switch (dropped.kind) {
    case 'rejected':
      if (asJson) terminal.json({ accepted: false, rejection: dropped.rejection });
      else terminal.remark(`The manifest was rejected:\n${dropped.rejection}`);
      return EXIT.badEnvironment;
    case 'no-answer':
      throw new CommandFailed(
        `the manifest was put into the bucket, and ${target.name} has neither accepted nor rejected it within ${dropped.seconds} s; \`sierra-batch status ${runId}\` shows the run once it is there`,
        EXIT.tasksFailed,
      );
    case 'accepted':
      if (options.watch === true) {
        if (!asJson) terminal.say(`run ${runId}`);
        return watch(context, runId);
      }
      if (asJson) terminal.json({ accepted: true, runId, folder: target.place(runKeys(runId).folder) });
      else {
        terminal.say(runId);
        terminal.remark(`Accepted by ${target.name}. Watch it: sierra-batch watch ${runId}`);
      }
      return EXIT.succeeded;
  }
}
