import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import { namesIn } from '../util/names-in.ts';
import type { MaintenanceContext } from './context.ts';

/**
 * Why a folder of shared storage must not be touched: the first of its runs that has not ended, by the run's own status.
 * A run without a status is one whose folder in the bucket was deleted: it is past.
 * @param users the folder in which runs are noted ({@link usersOf}); others are named by `runIds`
 * @throws the SDK's error when S3 cannot be reached, or refuses: what is not known is not freed
 */
export async function stillInUse(
  around: Pick<MaintenanceContext, 'bucket'>,
  users: string,
  runIds: readonly string[],
): Promise<string | undefined> {
  for (const runId of new Set([...runIds, ...(await namesIn(users))])) {
    const found = await around.bucket.readUntrusted(runKeys(runId).status, { mayList: true });
    if (found === undefined) continue;
    const state = stateOf(found.text);
    if (!isOutcome(state)) return `run ${runId} has not ended: it is ${state}`;
  }
  return undefined;
}

function stateOf(status: string): string {
  try {
    const value: unknown = JSON.parse(status);
    if (typeof value === 'object' && value !== null && 'state' in value) return String(value.state);
  } catch {
    // Told below.
  }
  return 'unknown, since its status.json cannot be read';
}
