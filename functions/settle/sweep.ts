import { Bucket } from '../../aws/bucket.ts';
import { messageOf, nameOf } from '../../aws/errors.ts';
import { sideBySide } from '../../experiment/util/for-each-limit.ts';
import type { FunctionDeps } from '../deps.ts';
import { liveJobIds } from '../stores/batch-jobs.ts';
import { ControlStore, openRuns } from '../stores/control-store.ts';
import { settleRun } from './advance-run.ts';
import { findManifests } from './find-manifests.ts';

/** A mark without a record is one of a claim that never came; ingest's own retries are over by then. */
const FORGET_MS = 2 * 24 * 3_600_000;
/** Runs settled side by side in one sweep. */
const SIDE_BY_SIDE = 8;

/**
 * Settles every run that may need it, whatever events were lost: those whose record is open, and those that have a live
 * job. It does not ask which executions run: the job of an execution that is gone is the one that must be found. Manifests
 * that no run came of are looked for last.
 */
export async function sweep(deps: FunctionDeps): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const live = await liveJobIds(deps);
  const open = new Map((await openRuns(bucket)).map(({ runId, markedAt }) => [runId, markedAt]));
  await sideBySide(new Set([...open.keys(), ...live.keys()]), SIDE_BY_SIDE, (runId) =>
    settleOne(
      deps,
      new ControlStore(bucket, deps.nonce, runId),
      runId,
      live.get(runId) ?? [],
      open.get(runId),
    ),
  );
  try {
    await findManifests(deps, bucket);
  } catch (error) {
    deps.metrics.count('FunctionFailed');
    deps.logger.error('Manifests:NotSearched', { error: nameOf(error), said: messageOf(error) });
  }
}

/** One run's trouble is not another's; it is told, and tried again in a minute. */
async function settleOne(
  deps: FunctionDeps,
  store: ControlStore,
  runId: string,
  jobIds: readonly string[],
  markedAt: number | undefined,
): Promise<void> {
  try {
    const view = await settleRun(deps, runId, jobIds);
    if (view === undefined && jobIds.length > 0)
      deps.logger.warn('Job:WithoutRecord', { runId, jobIds: [...jobIds] });
    const isPast = view === undefined && markedAt !== undefined && deps.clock.now() - markedAt > FORGET_MS;
    const isClosed = view?.control.closedAt !== undefined;
    if (markedAt !== undefined && (isPast || isClosed)) await store.forgetOpen();
  } catch (error) {
    deps.metrics.count('FunctionFailed');
    deps.logger.error('Run:NotSettled', { runId, error: nameOf(error), said: messageOf(error) });
  }
}
