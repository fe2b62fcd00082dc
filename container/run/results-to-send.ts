import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { ResultsToSend } from '../tasks/results.ts';

/** Where an attempt's results go, and what they are written to first. */
export function receiverOf(
  { context, config, node }: AttemptPart<'context' | 'config' | 'node'>,
  signal: AbortSignal,
): Pick<ResultsToSend, 'bucket' | 'keys' | 'scratch' | 'clock' | 'signal'> {
  return {
    bucket: new Bucket(context.s3, config.bucket, context.clock),
    keys: runKeys(config.runId),
    scratch: node.folder,
    clock: context.clock,
    signal,
  };
}

/** Of an attempt, as it stands; undefined where its manifest wants none, or no task is counted yet. */
export function resultsToSend(
  attempt: AttemptPart<'context' | 'config' | 'plan' | 'folders' | 'node' | 'state' | 'held'>,
  signal: AbortSignal,
): ResultsToSend | undefined {
  const { plan, folders, state, held } = attempt;
  const { tally, results } = state.snapshot();
  if (tally === undefined || plan.results === undefined || plan.work.kind !== 'commands') return undefined;
  return {
    ...receiverOf(attempt, signal),
    plan: { results: plan.results, work: plan.work },
    folders: { ...folders, results },
    rows: tally.rows(),
    held,
  };
}
