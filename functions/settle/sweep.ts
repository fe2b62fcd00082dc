import { Bucket } from '../../aws/bucket.ts';
import { messageOf, nameOf } from '../../aws/errors.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { FunctionDeps } from '../deps.ts';
import { liveJobIds } from '../stores/batch-jobs.ts';
import { openRuns } from '../stores/control-store.ts';
import type { Standing, Visit } from './advance-run.ts';
import { advance, visitRun } from './advance-run.ts';
import { findManifests } from './find-manifests.ts';
import { conclude } from './settle-run.ts';

/** A mark without a record is one of a claim that never came; ingest's own retries are over by then. */
const FORGET_MS = 2 * 24 * 3_600_000;
/** Runs settled side by side in one sweep. */
const SIDE_BY_SIDE = 8;

/**
 * Settles every run that may need it, whatever events were lost: those whose record is open, and those that have a live
 * job. It does not ask which executions run: the job of an execution that is gone is the one that must be found. All are
 * moved on before anything is written down or told of any; manifests that no run came of are looked for, and results are
 * collected last, one run after the other: what one run left in its folder takes neither time nor memory from another's end.
 */
export async function sweep(deps: FunctionDeps): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const live = await liveJobIds(deps);
  const open = new Map((await openRuns(bucket)).map(({ runId, markedAt }) => [runId, markedAt]));
  const telling: [Visit, Standing][] = [];
  const collecting: [Visit, Standing][] = [];
  await forEachBounded(new Set([...open.keys(), ...live.keys()]), SIDE_BY_SIDE, async (runId) => {
    const visit = visitRun(deps, runId, live.get(runId) ?? []);
    await guarded(visit, async () => {
      const standing = await advance(visit);
      if (standing === undefined && live.has(runId))
        deps.logger.warn('Job:WithoutRecord', { runId, jobIds: live.get(runId) });
      await forgetMark(visit, standing, open.get(runId));
      if (standing === undefined) return;
      const { step, view } = standing;
      // Of what a task can write only this may be large, and nobody asks for it any more.
      const kept = { step, view: { ...view, progress: undefined } };
      (step.do === 'collect' ? collecting : telling).push([visit, kept]);
    });
  });
  const finish = ([visit, standing]: [Visit, Standing]) =>
    guarded(visit, async () => void (await conclude(visit, standing)));
  await forEachBounded(telling, SIDE_BY_SIDE, finish);
  try {
    await findManifests(deps, bucket);
  } catch (error) {
    deps.metrics.count('FunctionFailed');
    deps.logger.error('Manifests:NotSearched', { error: nameOf(error), said: messageOf(error) });
  }
  await forEachBounded(collecting, 1, finish);
}

async function forgetMark(
  { deps, stores }: Visit,
  standing: Standing | undefined,
  markedAt: number | undefined,
): Promise<void> {
  if (markedAt === undefined) return;
  const isPast = standing === undefined && deps.clock.now() - markedAt > FORGET_MS;
  if (isPast || standing?.view.control.closedAt !== undefined) await stores.control.forgetOpen();
}

/** One run's trouble is not another's; it is told, and tried again in a minute. */
async function guarded({ deps, runId }: Visit, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    deps.metrics.count('FunctionFailed');
    deps.logger.error('Run:NotSettled', { runId, error: nameOf(error), said: messageOf(error) });
  }
}
