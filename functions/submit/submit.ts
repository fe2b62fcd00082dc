import * as z from 'zod';
import { messageOf, nameOf } from '../../aws/errors.ts';
import { decideToken } from '../../experiment/records/control.ts';
import { RunRefused, UnknownRecord } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { LambdaFunction } from '../middleware.ts';
import { withMiddleware } from '../middleware.ts';
import { settleRun } from '../settle/settle-run.ts';
import { storesOf } from '../stores/run-stores.ts';

const payload = z.object({ runId: z.string(), token: z.string().min(1), retryCount: z.int() });

/**
 * Called by the state `Run`, which then waits for its task token: stores the token and lets settle do the rest. It fails
 * only when the token could not be stored; what fails after that is settle's to repeat, in a minute at the latest.
 * @throws UnknownRecord, RunRefused (an ended run, a redrive), ControlConflict, ServiceUnavailable
 */
export function makeSubmit(deps: FunctionDeps): LambdaFunction<void> {
  return withMiddleware('Submit', deps, async (event) => {
    const asked = payload.safeParse(event);
    if (!asked.success) throw new UnknownRecord('submit was not called by the state Run');
    const { runId, token, retryCount } = asked.data;
    await storeToken(deps, runId, { value: token, retryCount });
    try {
      await settleRun(deps, runId);
    } catch (error) {
      deps.metrics.count('FunctionFailed');
      deps.logger.error('Run:NotSettled', { runId, error: nameOf(error), said: messageOf(error) });
    }
  });
}

async function storeToken(
  deps: FunctionDeps,
  runId: string,
  token: { value: string; retryCount: number },
): Promise<void> {
  const standing = await storesOf(deps, runId).control.change((control) => {
    const decision = decideToken(control, token);
    if (decision.kind === 'refuse') throw new RunRefused(decision.why);
    return decision.kind === 'store' ? decision.control : undefined;
  });
  if (standing === undefined) throw new UnknownRecord(`no manifest was accepted as ${runId}`);
  deps.logger.info('Token:Stored', { runId, retryCount: token.retryCount });
}
