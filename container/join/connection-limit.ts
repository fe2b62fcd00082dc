import type { Socket } from 'node:net';

/**
 * Connections that have not proved anything yet. There are never more than so many, so that nobody uses up the process'
 * sockets; the place for a new one is taken from the address that has the most, so that a stranger who opens thousands
 * takes it from itself, and a worker's one connection stays.
 */
export class UnauthenticatedConnections {
  readonly #most: number;
  readonly #byAddress = new Map<string, Set<Socket>>();
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Answers the address that had to give a connection up for this one. */
  came(socket: Socket): string | undefined {
    const address = socket.remoteAddress ?? 'unknown';
    const sockets = this.#byAddress.get(address) ?? new Set();
    this.#byAddress.set(address, sockets.add(socket));
    this.#count += 1;
    socket.once('close', () => this.left(socket, address));
    if (this.#count <= this.#most) return undefined;
    const [most = address, theirs = sockets] = [...this.#byAddress].reduce((a, b) =>
      b[1].size > a[1].size ? b : a,
    );
    const [oldest = socket] = theirs;
    this.left(oldest, most);
    oldest.destroy();
    return most;
  }

  /** It has proved itself, or is gone. */
  left(socket: Socket, address = socket.remoteAddress ?? 'unknown'): void {
    const sockets = this.#byAddress.get(address);
    if (sockets?.delete(socket) !== true) return;
    this.#count -= 1;
    if (sockets.size === 0) this.#byAddress.delete(address);
  }
}
