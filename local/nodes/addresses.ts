import type { Server } from 'node:net';
import { createServer } from 'node:net';

/** Addresses of one job's nodes, kept from other local systems on this machine as long as it runs. */
export interface ReservedAddresses {
  addresses: readonly string[];
  release(): Promise<void>;
}

/** There is no block of loopback addresses with the ports free: something is very wrong, or very full. */
class NoFreeAddresses extends Error {
  override readonly name = 'NoFreeAddresses';
}

/** Held while a job has the address. A bound socket is given back by the kernel however its holder dies. */
const HOLD_PORT = 7740;

/**
 * Takes `count` loopback addresses on which nobody listens at the given ports: 127.0.0.2 and on, then 127.0.1.2 and on.
 * The whole of 127/8 is this machine, so every node can have its own sshd on the same port. @throws NoFreeAddresses
 */
export async function reserveAddresses(count: number, ports: readonly number[]): Promise<ReservedAddresses> {
  const held: Server[] = [];
  const addresses: string[] = [];
  for (const candidate of candidates()) {
    if (addresses.length === count) break;
    const holder = await listen(candidate, HOLD_PORT);
    if (holder === undefined) continue;
    if (await allFree(candidate, ports)) {
      held.push(holder);
      addresses.push(candidate);
    } else {
      await close(holder);
    }
  }
  const release = async () => {
    await Promise.all(held.map(close));
  };
  if (addresses.length === count) return { addresses, release };
  await release();
  throw new NoFreeAddresses(
    `no ${count} free loopback addresses for nodes: too many local systems run at once, or ports ${ports.join(', ')} are taken on all of 127.0.0.0/14`,
  );
}

/** An address that no node has: a port taken here is taken on every address. */
const PROBE = '127.255.255.254';
const MAX_TRIES = 50;

/** The first port from this one on that no server of this machine has on all addresses, as many an sshd has 2222. */
export async function portFrom(first: number): Promise<number> {
  for (let port = first; port < first + MAX_TRIES; port += 1) if (await allFree(PROBE, [port])) return port;
  return first;
}

function* candidates(): Generator<string> {
  for (let second = 0; second < 4; second += 1)
    for (let third = 0; third < 256; third += 1)
      for (let fourth = 2; fourth < 255; fourth += 1) yield `127.${second}.${third}.${fourth}`;
}

async function allFree(address: string, ports: readonly number[]): Promise<boolean> {
  for (const port of ports) {
    const server = await listen(address, port);
    if (server === undefined) return false;
    await close(server);
  }
  return true;
}

/** undefined when somebody has the address already. */
function listen(address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ host: address, port, exclusive: true }, () => resolve(server.unref()));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
