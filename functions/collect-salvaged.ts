import * as z from 'zod';
import { atFirstUse } from '../experiment/at-first-use.ts';
import { maintenanceKey } from '../experiment/bucket-layout.ts';
import { parsedJson } from '../experiment/parsed-json.ts';
import { Bucket } from './bucket.ts';
import { collectRun } from './collect-run.ts';
import { ControlStore } from './control-store.ts';
import type { FunctionDeps } from './function-deps.ts';

const record = atFirstUse(() =>
  z.looseObject({ kind: z.literal('salvage'), runId: z.string(), did: z.looseObject({}) }),
);

/**
 * Summary and report anew from what a job salvaged. Its record counts and not the event: the job wrote it as its last act,
 * so an event of an earlier state finds none, and the last one always does.
 */
export async function collectSalvaged(deps: FunctionDeps, runId: string, jobId: string): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const found = await bucket.read(maintenanceKey(jobId));
  if (found === undefined) return;
  const salvaged = record().safeParse(parsedJson(found.text));
  if (!salvaged.success || salvaged.data.runId !== runId || 'refused' in salvaged.data.did) {
    deps.logger.info('Salvage:Nothing', { runId, jobId });
    return;
  }
  const store = new ControlStore(bucket, deps.nonce);
  const ended = (await store.read(runId))?.control.ended;
  if (ended === undefined) {
    deps.logger.warn('Salvage:NotEnded', { runId, jobId });
    return;
  }
  await collectRun(deps, runId);
}
