import * as z from 'zod';
import { UnknownRecord } from '../experiment/errors.ts';
import type { Collected } from './collect-run.ts';
import { collectRun } from './collect-run.ts';
import type { FunctionDeps } from './function-deps.ts';
import type { LambdaFunction } from './middleware.ts';
import { withMiddleware } from './middleware.ts';

const payload = z.object({ runId: z.string() });

/** Called by the state `Collect`: what the run came to, written down and told to the state machine. */
export function makeCollect(deps: FunctionDeps): LambdaFunction<Collected> {
  return withMiddleware('Collect', deps, async (event) => {
    const asked = payload.safeParse(event);
    if (!asked.success) throw new UnknownRecord('collect was not called by the state Collect');
    return collectRun(deps, asked.data.runId);
  });
}
