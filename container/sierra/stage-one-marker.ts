import { join } from 'node:path';
import * as z from 'zod';
import type { SierraWork } from '../../experiment/plan/plan.ts';
import type { CheckFault } from '../../experiment/records/progress.ts';
import { inputArguments } from '../../experiment/sierra/arguments.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import { writeDurably } from '../storage/durable-file.ts';
import { isThere } from '../util/is-there.ts';
import { readText } from '../util/open-file.ts';

const markRecord = z.object({
  state: z.enum(['begun', 'finished']),
  runId: z.string(),
  /** Below SIERRA's root; empty where the arguments do not tell it. */
  batchRoot: z.string(),
  /** What its inputs were made by, and its folders do not tell. */
  made: z.array(z.string()),
});
type Mark = z.infer<typeof markRecord>;

/** How stage 1 is gone about. */
export type StageOne =
  /** Its inputs are there: it is left out, and stage 2 goes on. */
  | 'done'
  | 'plain'
  /** It was cut off in the middle of this very batch root, which SIERRA would refuse to make twice. */
  | 'overwrite';

/**
 * Whether stage 1 has finished in this run's folder. SIERRA fails on a root that has inputs, so a retried or resumed run
 * leaves stage 1 out; with another batch criterion (another batch root), or a new run that asks for `--exp-overwrite`,
 * it is done. Answers the fault where inputs are there that were made by other arguments.
 */
export async function stageOneOf(
  attempt: AttemptPart<'folders' | 'config'>,
  { args, pipeline }: SierraWork,
  batchRoot: string,
): Promise<StageOne | Omit<CheckFault, 'node'>> {
  const mark = await readMark(attempt);
  if (mark === undefined || mark.batchRoot !== batchRoot) return 'plain';
  const isOwn = mark.runId === attempt.config.runId;
  if (!isOwn && args.includes('--exp-overwrite')) return 'plain';
  if (mark.state !== 'finished') return 'overwrite';
  return (pipeline.includes(1) ? otherInputs(mark, args) : undefined) ?? 'done';
}

/**
 * Notes that stage 1 makes this batch root from now on, so that it is made anew where it is cut off. Not where another run
 * made it before: SIERRA refuses that, and what is there may be all its results.
 */
export async function beginStageOne(
  attempt: AttemptPart<'folders' | 'config' | 'plan'>,
  { args }: SierraWork,
  batchRoot: string,
  how: StageOne,
): Promise<void> {
  const { folders, plan } = attempt;
  const isAsked = how === 'overwrite' || args.includes('--exp-overwrite');
  // Where the arguments do not tell, a workspace may hold it.
  const mayBeThere =
    batchRoot === ''
      ? plan.workspace !== undefined
      : await isThere(join(folders.tasks, batchRoot, 'exp-inputs'));
  if (isAsked || !mayBeThere) await markStageOne(attempt, { args, batchRoot, state: 'begun' });
}

export async function markStageOne(
  attempt: AttemptPart<'folders' | 'config'>,
  { args, batchRoot, state }: { args: readonly string[]; batchRoot: string; state: Mark['state'] },
): Promise<void> {
  const mark: Mark = { state, runId: attempt.config.runId, batchRoot, made: inputArguments(args) };
  await writeDurably(markFile(attempt), `${JSON.stringify(mark)}\n`);
}

/**
 * Why inputs that are there will not do: they were made by other arguments, so that leaving stage 1 out would run another
 * experiment than the manifest's.
 */
function otherInputs(mark: Mark, args: readonly string[]): Omit<CheckFault, 'node'> | undefined {
  const wanted = inputArguments(args);
  if (mark.made.join('\0') === wanted.join('\0')) return undefined;
  const said = (made: readonly string[]) => (made.length === 0 ? 'neither' : made.join(' '));
  return {
    check: 'stage-1-made-otherwise',
    what: `stage 1 of ${mark.runId} was made with ${said(mark.made)}, and this manifest has ${said(wanted)}`,
    todo: 'put the arguments back to go on with those inputs, or add --exp-overwrite to generate them again, or submit it as a run of its own',
  };
}

async function readMark(attempt: AttemptPart<'folders'>): Promise<Mark | undefined> {
  try {
    return markRecord.parse(JSON.parse(await readText(markFile(attempt))));
  } catch {
    return undefined; // not there, or cut off by a crash: then stage 1 has not finished
  }
}

function markFile({ folders }: AttemptPart<'folders'>): string {
  return join(folders.run, 'sierra-stage-1');
}
