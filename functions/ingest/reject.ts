import type { Bucket } from '../../aws/bucket.ts';
import { JSON_TYPE, onlyOver, TEXT_TYPE } from '../../aws/bucket.ts';
import { rejectionKeys } from '../../experiment/layout/bucket-keys.ts';
import type { ManifestSource } from '../../experiment/layout/run-id.ts';
import { renderFaults } from '../../experiment/manifest/source/fault.ts';
import { rejectedChange } from '../../experiment/notify/rejection.ts';
import { parseTold } from '../../experiment/records/control.ts';
import { ControlConflict } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { Ledger } from '../notify/deliver.ts';
import { tell } from '../notify/deliver.ts';
import type { Refused } from './read-manifest.ts';

const TRIES = 10;

/**
 * Writes every fault of a manifest that was not accepted, for people and for programs, and tells of it.
 * `notify` is what the manifest says under that key; undefined where that cannot be known: then a mail is sent.
 * @throws ControlConflict while another copy is telling: whoever called is to try again, since that copy may be dead
 */
export async function reject(
  deps: FunctionDeps,
  bucket: Bucket,
  source: ManifestSource,
  { faults, text, notify }: Refused & { notify: readonly string[] | undefined },
): Promise<void> {
  const keys = rejectionKeys(source.key, source.version);
  await bucket.write(keys.text, renderFaults(faults, source.key, text), TEXT_TYPE);
  await bucket.write(keys.json, JSON.stringify({ source, faults }, undefined, 1), JSON_TYPE);
  const change = rejectedChange(source, faults, deps.clock.now());
  const wantsMail = deps.deployment.topicArn !== undefined && (notify?.includes('rejected') ?? true);
  const isTold = await tell(
    deps,
    ledgerAt(bucket, keys.told),
    [
      { key: 'rejected', kind: 'event', change },
      ...(wantsMail ? [{ key: 'mail:rejected', kind: 'mail' as const, change }] : []),
    ],
    ({ kind }) => {
      if (kind === 'event') deps.metrics.count('ManifestRejected');
    },
  );
  deps.logger.info('Manifest:Rejected', { key: source.key, version: source.version, faults: faults.length });
  if (!isTold) throw new ControlConflict(`another copy is telling of ${source.key}`);
}

/** A rejection has no run and so no control record: an object of its own says what was told. */
function ledgerAt(bucket: Bucket, key: string): Ledger {
  return async (decide) => {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const stored = await bucket.read(key);
      const standing = parseTold(stored?.text);
      const wanted = decide(standing);
      if (wanted === undefined) return standing;
      if (await bucket.writeIf(key, JSON.stringify(wanted), onlyOver(stored))) return wanted;
    }
    throw new ControlConflict(`${key} changed ${TRIES} times meanwhile`);
  };
}
