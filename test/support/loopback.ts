import type { LoopbackSettings } from '../../local/http/server.ts';
import { startLoopbackServer } from '../../local/http/server.ts';
import type { Caller } from '../../local/http/signature.ts';
import { signatureOf } from '../../local/http/signature.ts';
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

/** Headers by which a request is a caller's, for whoever sends it without the SDK. */
export function signedHeaders(
  url: string,
  service: string,
  { accessKeyId, secretAccessKey }: Caller,
  method = 'GET',
): Record<string, string> {
  const { host, pathname, search } = new URL(url);
  const at = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const headers = { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': at };
  const scope = { day: at.slice(0, 8), region: 'local', service, names: Object.keys(headers) };
  const signature = signatureOf(
    { method, url: `${pathname}${search}`, headers, body: '' },
    scope,
    secretAccessKey,
  );
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.day}/local/${service}/aws4_request, SignedHeaders=${scope.names.join(';')}, Signature=${signature}`,
  };
}
