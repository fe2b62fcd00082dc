import type { Bucket } from '../../aws/bucket.ts';
import type { ListedVersion } from '../../aws/stored-object.ts';
import {
  isManifestKey,
  MANIFEST_PREFIX,
  MANIFEST_SEARCH_KEY,
  rejectionKeys,
  runKeys,
} from '../../experiment/layout/bucket-keys.ts';
import { isRunId, makeRunId } from '../../experiment/layout/run-id.ts';
import { fieldOf } from '../../experiment/manifest/source/field-of.ts';
import { EVENT_SOURCE, OVERLOOKED_DETAIL_TYPE } from '../../experiment/notify/event-names.ts';
import type { ManifestSearch } from '../../experiment/run/search-manifests.ts';
import { isDue, isLookedAt, resumeSearch } from '../../experiment/run/search-manifests.ts';
import { ServiceUnavailable } from '../../experiment/util/errors.ts';
import { forEachBounded } from '../../experiment/util/for-each-limit.ts';
import type { FunctionDeps } from '../deps.ts';

/** Of 1,000 versions each, a minute. */
const PAGES = 5;
const SIDE_BY_SIDE = 8;
/** PutEvents takes ten entries a call. */
const AT_ONCE = 10;
/** No manifest in order is larger. */
const MAX_BYTES = 1024 * 1024;

/**
 * Looks for manifests of the last day that became neither a run nor a rejection, since S3's event was lost or nobody
 * listened yet, and has ingest called for each. A manifest that was deleted meanwhile is nobody's wish any more.
 * @throws ServiceUnavailable, the errors of AWS' clients: the same part of the list is looked at again in a minute then
 */
export async function findManifests(deps: FunctionDeps, bucket: Bucket): Promise<void> {
  const search = resumeSearch((await bucket.read(MANIFEST_SEARCH_KEY))?.text, deps.clock.now());
  const waiting: ListedVersion[] = [];
  let lookedAt = 0;
  let pages = 0;
  let cursor = search.cursor;
  for await (const { versions, last } of bucket.versions(MANIFEST_PREFIX, search.cursor)) {
    const young = versions.filter(({ key, modified }) => isManifestKey(key) && isLookedAt(search, modified));
    await forEachBounded(young, SIDE_BY_SIDE, async (one) => {
      if (!(await isAnswered(bucket, one))) waiting.push(one);
    });
    lookedAt += young.length;
    cursor = last;
    pages += 1;
    if (pages === PAGES) break;
  }
  await handOver(
    deps,
    waiting.filter(({ modified }) => isDue(search, modified)),
  );
  if (lookedAt === 0 && cursor === undefined && search.cursor === undefined) return;
  const { waitingSince = Number.POSITIVE_INFINITY } = search;
  const oldest = waiting.reduce((least, { modified }) => Math.min(least, modified), waitingSince);
  const next: ManifestSearch = {
    ...search,
    cursor,
    waitingSince: Number.isFinite(oldest) ? oldest : undefined,
  };
  await bucket.write(MANIFEST_SEARCH_KEY, JSON.stringify(next), 'application/json');
}

async function isAnswered(bucket: Bucket, { key, versionId, etag }: ListedVersion): Promise<boolean> {
  const version = versionId ?? etag;
  const text = (await bucket.readUntrusted(key, { versionId, etag, maxBytes: MAX_BYTES }))?.text ?? '';
  const runId = makeRunId(String(fieldOf(text, key, 'name')), { bucket: bucket.name, key, version });
  const exists = async (answer: string) => (await bucket.head(answer)) !== undefined;
  return (
    (isRunId(runId) && (await exists(runKeys(runId).control))) ||
    (await exists(rejectionKeys(key, version).json)) ||
    !(await exists(key))
  );
}

/** By an event of our own that the rule of S3's lets through: an ingest of a million commands has its own time and tries. */
async function handOver(deps: FunctionDeps, overlooked: readonly ListedVersion[]): Promise<void> {
  const { bucket } = deps.deployment;
  for (let from = 0; from < overlooked.length; from += AT_ONCE) {
    const { FailedEntryCount = 0 } = await deps.events.putEvents({
      Entries: overlooked.slice(from, from + AT_ONCE).map(({ key, versionId, etag }) => ({
        Source: EVENT_SOURCE,
        DetailType: OVERLOOKED_DETAIL_TYPE,
        Detail: JSON.stringify({ bucket: { name: bucket }, object: { key, etag, 'version-id': versionId } }),
      })),
    });
    if (FailedEntryCount > 0) throw new ServiceUnavailable(`EventBridge refused ${FailedEntryCount} events`);
  }
  for (const { key, versionId } of overlooked)
    deps.logger.warn('Manifest:Overlooked', { key, version: versionId });
}
