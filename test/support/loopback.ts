import type { LoopbackSettings } from '../../local/http/server.ts';
import { startLoopbackServer } from '../../local/http/server.ts';
import { memoryS3 } from './memory-s3.ts';
import { noBatch, noStates } from './no-services.ts';

/** The loopback HTTP before some services, and what a client of the SDK takes to reach it. */
export async function loopback(services: Partial<Pick<LoopbackSettings, 's3' | 'batch' | 'states'>>) {
  const owner = { accessKeyId: 'KEY', secretAccessKey: 'x' };
  const server = await startLoopbackServer({
    s3: memoryS3('b'),
    batch: noBatch,
    states: noStates,
    ...services,
    callers: { owner, tasks: TASKS },
    addresses: new Map(),
  });
  const client = {
    endpoint: server.url,
    region: 'local',
    maxAttempts: 1,
    credentials: owner,
  };
  return { server, client, asTask: { ...client, credentials: TASKS } };
}

const TASKS = { accessKeyId: 'TASK', secretAccessKey: 'y' };
