import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';
import { answerBatch } from './batch-routes.ts';
import type { NodeAddresses } from './ecs-metadata.ts';
import { answerMetadata } from './ecs-metadata.ts';
import { reply } from './reply.ts';
import { answerS3 } from './s3-routes.ts';
import { answerStates } from './states-routes.ts';

export interface LoopbackSettings {
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  /** The access key id that callers must sign with: the system's own secret, new at every start. */
  accessKeyId: string;
  /** Addresses by node token, for the ECS task metadata. */
  addresses: NodeAddresses;
  /** Another socket to answer on, besides 127.0.0.1: it listens already, at this address. */
  door?: { server: NetServer; address: string; port: number };
  log?: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface LoopbackServer {
  /** `http://127.0.0.1:<port>`, what the SDK's endpoint variables are set to. */
  url: string;
  /** The same behind the door, where there is one. */
  doorUrl?: string;
  close(): Promise<void>;
}

/**
 * Serves the objects of the local system to other processes (the runner, the command line) on 127.0.0.1, as the real SDK
 * calls them. Whoever does not know the access key is refused; a request that a browser was lured into has neither the
 * Authorization header nor a loopback Host.
 */
export async function startLoopbackServer(settings: LoopbackSettings): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    route(settings, request, response).catch((error: unknown) => {
      settings.log?.('http-failed', { method: request.method, url: request.url, error: String(error) });
      if (!response.headersSent) reply(response, 500, 'text/plain', 'the local system failed; see its log\n');
      else response.destroy();
    });
  });
  // S3 keeps idle connections longer than clients do; a shorter limit here would race with their reuse.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { door } = settings;
  const comeIn = (socket: Socket) => server.emit('connection', socket);
  door?.server.on('connection', comeIn);
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    ...(door === undefined ? {} : { doorUrl: `http://${door.address}:${door.port}` }),
    close: () => {
      door?.server.off('connection', comeIn);
      return closeServer(server);
    },
  };
}

async function route(
  settings: LoopbackSettings,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '');
  if (host !== '127.0.0.1' && host !== 'localhost' && host !== settings.door?.address) {
    reply(response, 403, 'text/plain', 'only loopback\n');
    return;
  }
  const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname;
  if (path.startsWith('/ecs/')) {
    answerMetadata(settings.addresses, path, response);
    return;
  }
  const { accessKey, service } = credentialOf(request.headers.authorization);
  if (accessKey !== settings.accessKeyId) {
    reply(
      response,
      403,
      'application/json',
      JSON.stringify({ __type: 'InvalidClientTokenId', message: 'not the access key of this local system' }),
      {
        'x-amzn-errortype': 'InvalidClientTokenId',
      },
    );
    return;
  }
  if (service === 's3') await answerS3(settings.s3, request, response);
  else if (service === 'batch') await answerBatch(settings.batch, request, response);
  else if (service === 'states') await answerStates(settings.states, request, response);
  else reply(response, 501, 'text/plain', `the local system has no service ${JSON.stringify(service)}\n`);
}

/** `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …`. */
function credentialOf(authorization: string | undefined): { accessKey: string; service: string } {
  const match = /Credential=([^/,=\s]+)\/[^/]+\/[^/]+\/([^/]+)\/aws4_request/.exec(authorization ?? '');
  return { accessKey: match?.[1] ?? '', service: match?.[2] ?? '' };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the loopback server has no port');
  return address.port;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
    server.closeAllConnections();
  });
}
