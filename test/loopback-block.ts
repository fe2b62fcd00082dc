import type { Server } from 'node:net';
import { createServer } from 'node:net';

/** Nobody else listens there; local systems take 127.0 to 127.3. */
const HELD_PORT = 2223;
const TRIES = 100;

export interface LoopbackBlock {
  /** `127.x.y.(2 + index)`, with every port of it. */
  address(index: number): string;
  /** `127.x.y` */
  prefix: string;
  release(): void;
}

/**
 * Loopback addresses that are this caller's alone, among all test files and clones of this machine: a listening socket on
 * the first address of the block says that it is taken, until the process that holds it ends.
 */
export async function reserveLoopbackBlock(): Promise<LoopbackBlock> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const prefix = `127.${4 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 256)}`;
    const holder = await listen(`${prefix}.1`).catch(() => undefined);
    if (holder === undefined) continue;
    return { prefix, address: (index) => `${prefix}.${index + 2}`, release: () => void holder.close() };
  }
  throw new Error('no free loopback addresses');
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(HELD_PORT, address, () => resolve(server));
  });
}
