import { maintenanceKey } from '../../experiment/layout/bucket-keys.ts';
import { MAX_MAINTENANCE_BYTES, parseMaintenance } from '../../experiment/records/maintenance.ts';
import { collectRun } from '../collect/records.ts';
import type { FunctionDeps } from '../deps.ts';
import { storesOf } from '../stores/run-stores.ts';

/**
 * Summary and report anew from what a job salvaged. Its record counts and not the event: the job wrote it as its last act,
 * so an event of an earlier state finds none, and the last one always does.
 */
export async function collectSalvaged(deps: FunctionDeps, runId: string, jobId: string): Promise<void> {
  const { bucket, control } = storesOf(deps, runId);
  const found = await bucket.readUntrusted(maintenanceKey(jobId), { maxBytes: MAX_MAINTENANCE_BYTES });
  if (found === undefined) return;
  const record = parseMaintenance(found.text);
  if (record?.kind !== 'salvage' || record.runId !== runId || 'refused' in record.did) {
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
