import { createHash } from 'node:crypto';

/** What a run is made from: one version of one object. */
export interface ManifestSource {
  bucket: string;
  key: string;
  /** S3's version id; the ETag without quotes where the bucket keeps no versions. */
  version: string;
}

const RUN_ID = /^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?-[0-9a-f]{11}$/;

/**
 * The run's id, `<name>-<11 hex>`: also the execution's and the job's name. The same delivery twice is the same
 * run. At most 72 characters, under Step Functions' 80 and Batch's 128.
 */
export function makeRunId(name: string, source: ManifestSource): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([source.bucket, source.key, source.version]))
    .digest('hex');
  return `${name}-${hash.slice(0, 11)}`;
}

/** True for text that has the shape of a run id. */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** The manifest's name in a run id. */
export function nameOfRun(runId: string): string {
  return runId.replace(/-[0-9a-f]{11}$/, '');
}
