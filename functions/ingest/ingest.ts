import { Bucket } from '../../aws/bucket.ts';
import { isRefused } from '../../aws/errors.ts';
import { isManifestKey } from '../../experiment/layout/bucket-keys.ts';
import { notifyOf } from '../../experiment/notify/rejection.ts';
import { RunIdCollision } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { LambdaFunction } from '../middleware.ts';
import { withMiddleware } from '../middleware.ts';
import { startRun } from './accept.ts';
import type { DroppedObject } from './object-created.ts';
import { droppedObjects } from './object-created.ts';
import { readManifest, refused } from './read-manifest.ts';
import { reject } from './reject.ts';

/**
 * Called for every object that is dropped: a manifest becomes a run, or its faults are written down. Everything in it may
 * be done again, after a crash at any point or for an event that comes twice, and comes to the same.
 * @throws ServiceUnavailable, ControlConflict (tried again by Lambda), RunIdCollision
 */
export function makeIngest(deps: FunctionDeps): LambdaFunction<void> {
  return withMiddleware('Ingest', deps, async (event) => {
    const dropped = droppedObjects(event);
    if (dropped === undefined) deps.logger.warn('Ingest:NotAnEvent', {});
    const failures: unknown[] = [];
    // The trouble of one object keeps no other waiting.
    for (const object of dropped ?? [])
      await takeIn(deps, object).catch((error: unknown) => failures.push(error));
    const retryable = failures.find((error) => !(error instanceof RunIdCollision));
    if (failures.length > 0) throw retryable ?? failures[0];
  });
}

async function takeIn(deps: FunctionDeps, dropped: DroppedObject): Promise<void> {
  const bucket = new Bucket(deps.s3, deps.deployment.bucket, deps.clock);
  const { versionId, etag } = dropped;
  const key = dropped.bucket === bucket.name ? await manifestKey(bucket, dropped) : undefined;
  if (key === undefined) {
    // A rule that lets other keys through would start a cluster for every copy of a manifest.
    deps.logger.warn('Ingest:NotAManifest', { bucket: dropped.bucket, key: dropped.key });
    return;
  }
  const source = { bucket: bucket.name, key, version: versionId ?? etag };
  const read = await readManifest(bucket, key, { versionId, etag });
  const notify = read.ok ? (read.manifest.notify ?? []) : notifyOf(read.text, key);
  try {
    const started = read.ok ? await startRun(deps, source, read) : read;
    if (!started.ok) await reject(deps, bucket, source, { ...started, notify });
  } catch (error) {
    if (error instanceof RunIdCollision)
      await reject(deps, bucket, source, { ...refused('run-id-taken', error.message), notify });
    throw error;
  }
}

/** The key under which the object lies, or undefined where that is not a manifest's. */
async function manifestKey(
  bucket: Bucket,
  { key, decodedKey, versionId, etag }: DroppedObject,
): Promise<string | undefined> {
  const plain = isManifestKey(key) ? key : undefined;
  if (decodedKey === undefined || !isManifestKey(decodedKey)) return plain;
  const stands = async (candidate: string) => {
    try {
      return (await bucket.head(candidate, { versionId, etag })) !== undefined;
    } catch (error) {
      if (isRefused(error)) return true; // There is one, and reading it will tell why it cannot be had.
      throw error;
    }
  };
  if (plain !== undefined && (await stands(plain))) return plain;
  return (await stands(decodedKey)) ? decodedKey : plain;
}
