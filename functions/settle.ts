import { withStop } from '../experiment/control.ts';
import { StillStopping } from '../experiment/errors.ts';
import { settleReason } from '../experiment/settle-reason.ts';
import { isDead } from '../experiment/settle-step.ts';
import { stopFromError } from '../experiment/stop-from-error.ts';
import { Bucket } from './bucket.ts';
import { ControlStore } from './control-store.ts';
import type { FunctionDeps } from './function-deps.ts';
import type { LambdaFunction } from './middleware.ts';
import { withMiddleware } from './middleware.ts';
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
  const store = new ControlStore(new Bucket(deps.s3, deps.deployment.bucket, deps.clock), deps.nonce);
  await store.change(runId, (control) =>
    control.stop === undefined && control.ended === undefined && control.closedAt === undefined
      ? withStop(control, stopFromError(error, deps.clock.now()))
      : undefined,
  );
  const view = await settleRun(deps, runId);
  if (view !== undefined && !isDead(view)) throw new StillStopping(`the job of ${runId} is not dead yet`);
}
