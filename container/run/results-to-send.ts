import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { ResultsToSend } from '../tasks/results.ts';

/** Of an attempt, as it stands; undefined where its manifest wants none, or no task is counted yet. */
export function resultsToSend(
  attempt: AttemptPart<'context' | 'config' | 'plan' | 'folders' | 'node' | 'state' | 'held'>,
  signal: AbortSignal,
): ResultsToSend | undefined {
  const { context, config, plan, folders, node, state, held } = attempt;
  const { tally, results } = state.snapshot();
  if (tally === undefined || plan.results === undefined || plan.work.kind !== 'commands') return undefined;
  return {
    bucket: new Bucket(context.s3, config.bucket, context.clock),
    keys: runKeys(config.runId),
    plan: { results: plan.results, work: plan.work },
    folders: { ...folders, results },
    rows: tally.rows(),
    held,
    scratch: node.folder,
    clock: context.clock,
    signal,
  };
}
