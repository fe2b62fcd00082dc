import * as z from 'zod';
import { Bucket } from '../../aws/bucket.ts';
import { maintenanceKey } from '../../experiment/layout/bucket-keys.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import { collectRun } from '../collect/records.ts';
import type { FunctionDeps } from '../deps.ts';
import { ControlStore } from '../stores/control-store.ts';

const record = z.looseObject({ kind: z.literal('salvage'), runId: z.string(), did: z.looseObject({}) });

/**
 * Summary and report anew from what a job salvaged. Its record counts and not the event: the job wrote it as its last act,
 * so an event of an earlier state finds none, and the last one always does.
 */
export async function collectSalvaged(deps: FunctionDeps, runId: string, jobId: string): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const found = await bucket.readUntrusted(maintenanceKey(jobId));
  if (found === undefined) return;
  const salvaged = record.safeParse(parsedJson(found.text));
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
