import { rejectionKeys } from '../experiment/bucket-layout.ts';
import { renderFaults } from '../experiment/faults.ts';
import type { ManifestSource } from '../experiment/run-id.ts';
import type { Bucket } from './bucket.ts';
import { JSON_TYPE, TEXT_TYPE } from './bucket.ts';
import type { FunctionDeps } from './function-deps.ts';
import type { Refused } from './read-manifest.ts';

/** Writes every fault of a manifest that was not accepted, for people and for programs. */
export async function reject(
  { logger, metrics }: Pick<FunctionDeps, 'logger' | 'metrics'>,
  bucket: Bucket,
  source: ManifestSource,
  { faults, text }: Refused,
): Promise<void> {
  const keys = rejectionKeys(source.key, source.version);
  await bucket.write(keys.text, renderFaults(faults, source.key, text), TEXT_TYPE);
  await bucket.write(keys.json, JSON.stringify({ source, faults }, undefined, 1), JSON_TYPE);
  metrics.count('ManifestRejected');
  logger.info('Manifest:Rejected', { key: source.key, version: source.version, faults: faults.length });
}
