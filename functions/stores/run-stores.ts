import { Bucket } from '../../aws/bucket.ts';
import type { FunctionDeps } from '../deps.ts';
import { ControlStore } from './control-store.ts';
import { RunRecords } from './run-records.ts';

/** Where one run is kept: the functions' memory of it, and its folder, which tasks can write into. */
export interface RunStores {
  bucket: Bucket;
  control: ControlStore;
  records: RunRecords;
}

export function storesOf(
  deps: Pick<FunctionDeps, 's3' | 'deployment' | 'clock' | 'nonce'>,
  runId: string,
): RunStores {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  return {
    bucket,
    control: new ControlStore(bucket, deps.nonce, runId),
    records: new RunRecords(bucket, runId),
  };
}
