import type { Bucket } from '../../aws/bucket.ts';
import type { RunnerContext } from '../process/live.ts';
import type { Log } from '../process/log.ts';

/** What an order is done with. */
export interface MaintenanceContext extends Pick<RunnerContext, 's3' | 'clock' | 'makeNonce'> {
  bucket: Bucket;
  /** Absolute path of shared storage. */
  shared: string;
  log: Log;
}
