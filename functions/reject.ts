import { rejectionKeys } from '../experiment/bucket-layout.ts';
import type { Fault } from '../experiment/faults.ts';
import { renderFaults } from '../experiment/faults.ts';
import type { ManifestSource } from '../experiment/run-id.ts';
import type { Bucket } from './bucket.ts';
import { JSON_TYPE, TEXT_TYPE } from './bucket.ts';
import type { FunctionDeps } from './function-deps.ts';

/** Writes every fault of a manifest that was not accepted, for people and for programs. */
export async function reject(
  { logger, metrics }: Pick<FunctionDeps, 'logger' | 'metrics'>,
  bucket: Bucket,
  source: ManifestSource,
  faults: readonly Fault[],
): Promise<void> {
  const keys = rejectionKeys(source.key, source.version);
  await bucket.write(keys.json, JSON.stringify({ source, faults }, undefined, 1), JSON_TYPE);
  await bucket.write(keys.text, renderFaults(faults), TEXT_TYPE);
  metrics.count('ManifestRejected');
  logger.info('Manifest:Rejected', { key: source.key, version: source.version, faults: faults.length });
}
