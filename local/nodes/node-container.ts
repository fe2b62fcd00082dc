import type { WriteStream } from 'node:fs';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeSpec } from '../aws/batch/node-start.ts';
import type { NodesSettings } from './nodes.ts';

/** What a container image would define; on this machine the nodes get it from whoever started the system. */
export type ImageEnvironment = Readonly<Record<string, string>>;

/** What a node's container starts with: the image's variables, Batch's, the endpoint, and where it finds itself. */
export function containerEnvironment(
  settings: NodesSettings,
  spec: NodeSpec,
  address: string,
): Record<string, string> {
  const { imageEnvironment, extraEnvironment, announce, nonce, sshPort, joinPort } = settings;
  return {
    ...imageEnvironment,
    ...spec.environment,
    ...extraEnvironment(),
    SIERRA_BATCH_SSH_PORT: String(sshPort),
    SIERRA_BATCH_JOIN_PORT: String(joinPort),
    SIERRA_BATCH_PROGRESS_SECONDS: '1',
    ECS_CONTAINER_METADATA_URI_V4: announce(nonce(), address),
  };
}

/** What a node's container writes: one file for each attempt. */
export function containerLog({ logs }: NodesSettings, spec: NodeSpec): WriteStream {
  mkdirSync(join(logs, spec.jobName), { recursive: true });
  return createWriteStream(join(logs, spec.jobName, `attempt-${spec.attempt}-node-${spec.index}.log`));
}
