import { Bucket, onlyOver } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Owner } from '../../experiment/records/owner.ts';
import { MAX_OWNER_BYTES, parseOwner } from '../../experiment/records/owner.ts';
import type { Clock } from '../../experiment/util/clock.ts';

export type Fence = { kind: 'owned' } | { kind: 'other'; owner: Owner };

/** A record that cannot be read belongs to nobody we know: it is not replaced. */
const UNREADABLE: Owner = {
  jobId: '(unreadable owner.json)',
  attempt: Number.MAX_SAFE_INTEGER,
  nonce: '',
};

/**
 * Takes `owner.json`, so that of two jobs of one run only one works. The first job writes it if there is none; a higher
 * attempt of the same job replaces it by If-Match. A write that S3 took although its answer was lost comes back as 412
 * on the SDK's own retry: hence the nonce, and reading back before giving up.
 * @throws the SDK's error when S3 cannot be reached, or when the record keeps changing
 */
export async function takeOwnership(
  s3: S3Port,
  run: { bucket: string; runId: string },
  me: Owner,
  clock: Clock,
): Promise<Fence> {
  const bucket = new Bucket(s3, run.bucket, clock);
  const { owner: key } = runKeys(run.runId);
  for (let tried = 1; tried <= 10; tried++) {
    const found = await bucket.readUntrusted(key, { maxBytes: MAX_OWNER_BYTES });
    const owner = found === undefined ? undefined : (parseOwner(found.text) ?? UNREADABLE);
    if (owner?.nonce === me.nonce) return { kind: 'owned' };
    if (owner !== undefined && !mayReplace(owner, me)) return { kind: 'other', owner };
    if (await bucket.writeIf(key, JSON.stringify(me), onlyOver(found))) return { kind: 'owned' };
    await clock.sleep(100 * tried);
  }
  throw new FenceContested(`${key} changed ten times while this job tried to take it`);
}

/** Somebody keeps writing the owner's record. */
class FenceContested extends Error {
  override readonly name = 'FenceContested';
}

function mayReplace(owner: Owner, me: Owner): boolean {
  return owner.jobId === me.jobId && owner.attempt < me.attempt;
}
