import type { ServerResponse } from 'node:http';
import { reply } from './reply.ts';

/** The address of each node, by the token in its metadata URL. */
export type NodeAddresses = ReadonlyMap<string, string>;

/** ECS task metadata, version 4, as far as a node reads it: `GET /ecs/<token>` tells the container's own address. */
export function answerMetadata(addresses: NodeAddresses, path: string, response: ServerResponse): void {
  const [, , token = '', what] = path.split('/');
  const address = addresses.get(token);
  if (address === undefined || (what !== undefined && what !== 'task')) {
    reply(response, 404, 'text/plain', 'no such container\n');
    return;
  }
  const container = { Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: [address] }] };
  reply(
    response,
    200,
    'application/json',
    JSON.stringify(what === 'task' ? { Containers: [container] } : container),
  );
}
