import { withStop } from '../../experiment/records/control.ts';
import { endedByItself, isDead } from '../../experiment/run/next-step.ts';
import { settleReason } from '../../experiment/run/settle-trigger.ts';
import { stopFromError } from '../../experiment/run/stop-cause.ts';
import { StillStopping } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { LambdaFunction } from '../middleware.ts';
import { withMiddleware } from '../middleware.ts';
import { storesOf } from '../stores/run-stores.ts';
import { collectSalvaged } from './collect-salvaged.ts';
import { lookAtRun } from './observe-run.ts';
import { settleRun } from './settle-run.ts';
import { sweep } from './sweep.ts';

/**
 * The only place that moves a run on. A Batch event, an execution event and the minute's schedule are reasons to look;
 * the state `Stop` tells it to end a run, and is told `StillStopping` until nothing of it lives.
 */
export function makeSettle(deps: FunctionDeps): LambdaFunction<void> {
  return withMiddleware('Settle', deps, async (event) => {
    const reason = settleReason(event);
    switch (reason.kind) {
      case 'run':
        await settleRun(deps, reason.runId, reason.jobId === undefined ? [] : [reason.jobId]);
        return;
      case 'stop':
        return stopRun(deps, reason.runId, reason.error);
      case 'salvage':
        return collectSalvaged(deps, reason.runId, reason.jobId);
      case 'everything':
        return sweep(deps);
      case 'not-ours':
        deps.logger.info('Settle:NotOurs', { what: reason.what });
    }
  });
}

async function stopRun(
  deps: FunctionDeps,
  runId: string,
  error: { name: string; cause: string },
): Promise<void> {
  const { control: store, records } = storesOf(deps, runId);
  const stored = await store.read();
  if (stored === undefined) return;
  const nothingNamed = { jobIds: new Set<string>(), lookedUp: false, plan: undefined };
  const hasEnded = endedByItself(await lookAtRun(deps, records, stored.control, nothingNamed));
  await store.change(({ stop, ended, closedAt, ...control }) =>
    hasEnded || stop !== undefined || ended !== undefined || closedAt !== undefined
      ? undefined
      : withStop(control, stopFromError(error, deps.clock.now())),
  );
  const view = await settleRun(deps, runId);
  if (view !== undefined && !isDead(view)) throw new StillStopping(`the job of ${runId} is not dead yet`);
}
