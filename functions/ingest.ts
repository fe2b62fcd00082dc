import { isManifestKey } from '../experiment/bucket-layout.ts';
import { droppedObjects } from '../experiment/manifest-event.ts';
import { Bucket } from './bucket.ts';
import type { FunctionDeps } from './function-deps.ts';
import type { LambdaFunction } from './middleware.ts';
import { withMiddleware } from './middleware.ts';
import { readManifest } from './read-manifest.ts';
import { reject } from './reject.ts';
import { startRun } from './start-run.ts';

/**
 * Called for every object that is dropped: a manifest becomes a run, or its faults are written down. Everything in it may
 * be done again, after a crash at any point or for an event that comes twice, and comes to the same.
 * @throws ServiceUnavailable, ControlConflict (tried again by Lambda), RunIdCollision
 */
export function makeIngest(deps: FunctionDeps): LambdaFunction<void> {
  return withMiddleware('Ingest', deps, async (event) => {
    const dropped = droppedObjects(event);
    if (dropped === undefined) deps.logger.warn('Ingest:NotAnEvent', {});
    for (const { bucket, key, versionId, etag } of dropped ?? []) {
      if (bucket !== deps.deployment.bucket || !isManifestKey(key)) {
        // A rule that lets other keys through would start a cluster for every copy of a manifest.
        deps.logger.warn('Ingest:NotAManifest', { bucket, key });
        continue;
      }
      await takeIn(deps, { key, versionId, etag });
    }
  });
}

async function takeIn(
  deps: FunctionDeps,
  dropped: { key: string; versionId: string | undefined; etag: string },
): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const source = { bucket: bucket.name, key: dropped.key, version: dropped.versionId ?? dropped.etag };
  const read = await readManifest(bucket, dropped);
  const started = read.ok ? await startRun(deps, bucket, source, read) : read;
  if (!started.ok) await reject(deps, bucket, source, started);
}
