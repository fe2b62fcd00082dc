import * as z from 'zod';
import { maintenanceKey } from '../../experiment/layout/bucket-keys.ts';
import { parsedJson } from '../../experiment/util/parse-json.ts';
import { collectRun } from '../collect/records.ts';
import type { FunctionDeps } from '../deps.ts';
import { storesOf } from '../stores/run-stores.ts';

const record = z.looseObject({ kind: z.literal('salvage'), runId: z.string(), did: z.looseObject({}) });

/**
 * Summary and report anew from what a job salvaged. Its record counts and not the event: the job wrote it as its last act,
 * so an event of an earlier state finds none, and the last one always does.
 */
export async function collectSalvaged(deps: FunctionDeps, runId: string, jobId: string): Promise<void> {
  const { bucket, control } = storesOf(deps, runId);
  const found = await bucket.readUntrusted(maintenanceKey(jobId));
  if (found === undefined) return;
  const salvaged = record.safeParse(parsedJson(found.text));
  if (!salvaged.success || salvaged.data.runId !== runId || 'refused' in salvaged.data.did) {
    deps.logger.info('Salvage:Nothing', { runId, jobId });
    return;
  }
  const ended = (await control.read())?.control.ended;
  if (ended === undefined) {
    deps.logger.warn('Salvage:NotEnded', { runId, jobId });
    return;
  }
  await collectRun(deps, runId);
}
