import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { BatchPort, S3Port, StatesPort } from '../../aws/ports.ts';
import { realClock } from '../clock/real.ts';
import type { NodeAddresses } from './ecs-metadata.ts';
import { answerMetadata } from './ecs-metadata.ts';
import { asJobRole } from './job-role.ts';
import { answerBatch, answerStates, refuse } from './json-routes.ts';
import { readBody, reply } from './reply.ts';
import { answerS3 } from './s3-routes.ts';
import { errorXml } from './s3-xml.ts';
import type { Caller } from './signature.ts';
import { serviceOf, signerOf } from './signature.ts';

export interface LoopbackSettings {
  s3: S3Port;
  batch: BatchPort;
  states: StatesPort;
  /** Whose key it is to do everything with, and the tasks', which does what their role may on AWS. */
  callers: { owner: Caller; tasks: Caller };
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
  /** When another process last did something with the owner's key, in milliseconds since the epoch; now, while it does. */
  usedAt(): number;
  close(): Promise<void>;
}

/**
 * Serves the objects of the local system to other processes (the runner, the command line) on 127.0.0.1, as the real SDK
 * calls them. Whoever does not sign with a key of this system is refused; a request that a browser was lured into has neither the
 * Authorization header nor a loopback Host.
 */
export async function startLoopbackServer(settings: LoopbackSettings): Promise<LoopbackServer> {
  const use = new Use();
  const server = createServer((request, response) => {
    route({ ...settings, use }, request, response).catch((error: unknown) => {
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
    usedAt: () => use.at(),
    close: () => {
      door?.server.off('connection', comeIn);
      return closeServer(server);
    },
  };
}

/** What other commands ask, as opposed to tasks. */
class Use {
  #open = 0;
  #last = Number.NEGATIVE_INFINITY;

  begin(response: ServerResponse): void {
    this.#open += 1;
    response.once('close', () => {
      this.#open -= 1;
      this.#last = realClock.now();
    });
  }

  at(): number {
    return this.#open > 0 ? realClock.now() : this.#last;
  }
}

async function route(
  settings: LoopbackSettings & { use: Use },
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
  const service = serviceOf(request.headers.authorization);
  const { owner, tasks } = settings.callers;
  const { method, url, headers } = request;
  // Clients of other languages than ours send an object's hash in a header, and that of any other body nowhere.
  const body = service === 's3' ? '' : await readBody(request);
  const signer = signerOf([owner, tasks], { method, url, headers, body }, realClock.now());
  if (signer === undefined || (signer === tasks && service !== 's3')) {
    refuseCaller(response, service, signer === undefined);
    return;
  }
  if (signer === owner) settings.use.begin(response);
  if (service === 's3')
    await answerS3(signer === owner ? settings.s3 : asJobRole(settings.s3), request, response);
  else if (service === 'batch') await answerBatch(settings.batch, request, body, response);
  else if (service === 'states') await answerStates(settings.states, request, body, response);
  else reply(response, 501, 'text/plain', `the local system has no service ${JSON.stringify(service)}\n`);
}

/** As each service refuses keys that it does not know: of a 403 without a name a client would think that an object is missing. */
function refuseCaller(response: ServerResponse, service: string, isUnknown: boolean): void {
  const message = isUnknown
    ? 'not signed with a key of this local system'
    : `a task's credentials do not reach ${service}`;
  if (service === 's3') {
    reply(response, 403, 'application/xml', errorXml('InvalidAccessKeyId', message));
    return;
  }
  refuse(response, 403, isUnknown ? 'InvalidClientTokenId' : 'AccessDeniedException', message);
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
