import type { Bucket } from '../../../aws/bucket.ts';
import { OPEN_PREFIX, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { parsePlan } from '../../../experiment/plan/plan.ts';
import { isOutcome } from '../../../experiment/records/outcome.ts';
import { forEachBounded } from '../../../experiment/util/for-each-limit.ts';
import { statusOf } from '../../context/select-run.ts';
import type { LiveTarget } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';
import { sourceOf } from '../runs/resume.ts';

const SIDE_BY_SIDE = 24;

/**
 * Insists that these runs are past, and that none that goes on has one of their folders. All that is looked at here is
 * written by functions alone. @throws CommandFailed
 */
export async function insistOnPast(target: LiveTarget, runIds: readonly string[]): Promise<void> {
  const bucket = await target.live.bucket();
  const open = new Set<string>();
  for await (const { key } of bucket.list(OPEN_PREFIX)) open.add(key.slice(OPEN_PREFIX.length));
  const folders = new Map<string, string>();
  for (const runId of runIds) {
    const { state } = await statusOf(target, runId);
    const standing = isOutcome(state) ? `being closed (${state}): try again in a minute` : state;
    if (!isOutcome(state) || open.has(runId))
      throw new CommandFailed(`the run ${runId} is ${standing}; only a run that has ended can be deleted`);
    folders.set(await folderOf(bucket, runId), runId);
  }
  for (const other of open) {
    const resumed = folders.get(await folderOf(bucket, other));
    if (resumed !== undefined)
      throw new CommandFailed(
        `the run ${other} has not ended and resumes ${resumed}: wait for its end, or cancel it`,
      );
  }
}

/** That of the first run of a chain of resumed ones. */
async function folderOf(bucket: Bucket, runId: string): Promise<string> {
  return parsePlan((await bucket.readUntrusted(runKeys(runId).plan))?.text)?.folder ?? runId;
}

/**
 * Deletes the manifest of a run and all that is under `runs/<id>/`. The status is last: until then the run is listed, and
 * whoever was interrupted can do it again. The functions' own record stays, closed: an event that comes late would start
 * the run again without it. Inputs stay, which other runs may have as well.
 * @returns how many objects
 */
export async function removeRecords(bucket: Bucket, runId: string): Promise<number> {
  const { folder, status } = runKeys(runId);
  await removeManifest(bucket, runId);
  const keys: string[] = [];
  for await (const { key } of bucket.list(folder)) if (key !== status) keys.push(key);
  await forEachBounded(keys, SIDE_BY_SIDE, (key) => bucket.delete(key));
  await bucket.delete(status);
  return keys.length + 1;
}

/** Unless another was dropped over it since. */
async function removeManifest(bucket: Bucket, runId: string): Promise<void> {
  const source = await sourceOf(bucket, runId);
  const current = source && (await bucket.head(source.key));
  if (source === undefined || current === undefined) return;
  const { key, version } = source;
  const isOwn = current.etag === `"${version}"`;
  if (isOwn || (await bucket.head(key, { versionId: version }))?.etag === current.etag)
    await bucket.delete(key);
}
