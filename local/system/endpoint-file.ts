import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import type { LocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';
import { LOCAL_ENDPOINT_FILE, renderLocalEndpoint } from '../../experiment/deployment/local-endpoint.ts';

/**
 * Leaves word for the command line of how to reach this system, for as long as it is up; answers what takes it back. The
 * file holds the access key, so nobody but its owner may read it.
 */
export function announceEndpoint(
  folder: string,
  endpoint: LocalEndpoint['endpoint'],
  deployment: Deployment,
): () => void {
  const file = join(folder, LOCAL_ENDPOINT_FILE);
  rmSync(file, { force: true }); // What a killed system left may be of another mode.
  const record = { version: 1, pid: process.pid, endpoint, deployment } as const;
  writeFileSync(file, renderLocalEndpoint(record), { mode: 0o600 });
  return () => rmSync(file, { force: true });
}
