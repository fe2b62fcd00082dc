import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';
import * as z from 'zod';
import type { RunnerConfig } from '../process/environment.ts';

export type OwnAddress = { ok: true; address: string } | { ok: false; what: string; todo: string };

/**
 * The address at which other nodes reach this one. ECS' task metadata knows it (on AWS the container's network
 * interface, locally the node's 127.0.0.x, served over loopback in the same form); without metadata the first interface
 * that is neither loopback nor 169.254/16, since `ecs-eth0` lies there and nobody can reach it.
 */
export async function ownAddress(config: Pick<RunnerConfig, 'metadataUri'>): Promise<OwnAddress> {
  const asked =
    config.metadataUri === undefined ? undefined : addressIn(await readMetadata(config.metadataUri));
  const address = asked ?? fromInterfaces(networkInterfaces());
  if (address !== undefined) return { ok: true, address };
  return {
    ok: false,
    what: 'this node has no address that another node could reach',
    todo: 'run the job in awsvpc network mode, in a subnet whose security group lets the nodes reach each other',
  };
}

/** ECS' container metadata (version 4); undefined where nobody answers. */
export async function readMetadata(uri: string): Promise<unknown> {
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      const response = await fetch(uri, { signal: AbortSignal.timeout(2000) });
      if (response.ok) return await response.json();
    } catch {
      // Tried again, then the interfaces are asked: an agent that is just starting refuses connections.
    }
  }
  return undefined;
}

/** `Networks[].IPv4Addresses[0]` of ECS' container metadata (version 4). */
export function addressIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('Networks' in metadata)) return undefined;
  const { Networks: networks } = metadata;
  if (!Array.isArray(networks)) return undefined;
  for (const network of networks as unknown[]) {
    if (typeof network !== 'object' || network === null || !('IPv4Addresses' in network)) continue;
    const addresses = network.IPv4Addresses;
    if (!Array.isArray(addresses)) continue;
    const first: unknown = addresses[0];
    if (typeof first === 'string' && isIPv4(first)) return first;
  }
  return undefined;
}

/** The digest of the container's image in its metadata. */
export function imageIn(metadata: unknown): string | undefined {
  return z.object({ ImageID: z.string().max(1024) }).safeParse(metadata).data?.ImageID;
}

/** The first address of a machine's interfaces that others can reach. */
export function fromInterfaces(interfaces: ReturnType<typeof networkInterfaces>): string | undefined {
  for (const addresses of Object.values(interfaces)) {
    for (const { family, internal, address } of addresses ?? []) {
      if (family === 'IPv4' && !internal && !address.startsWith('169.254.')) return address;
    }
  }
  return undefined;
}
