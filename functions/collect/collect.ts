import * as z from 'zod';
import { UnknownRecord } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { LambdaFunction } from '../middleware.ts';
import { withMiddleware } from '../middleware.ts';
import type { Collected } from './records.ts';
import { collectRun } from './records.ts';

const payload = z.object({ runId: z.string() });

/** Called by the state `Collect`: what the run came to, written down and told to the state machine. */
export function makeCollect(deps: FunctionDeps): LambdaFunction<Collected> {
  return withMiddleware('Collect', deps, async (event) => {
    const asked = payload.safeParse(event);
    if (!asked.success) throw new UnknownRecord('collect was not called by the state Collect');
    return collectRun(deps, asked.data.runId);
  });
}
