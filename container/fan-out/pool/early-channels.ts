import type { FanoutNode, FanoutRequest } from '../fan-out.ts';
import { writeAgentFiles } from './agent-files.ts';
import { PoolChannel } from './channel.ts';

/**
 * Connections of the pool that are opened as each node joins, with GNU parallel waiting at their ends: when the last node
 * is there the first task starts at once. Not for tasks whose environment is known only later.
 */
export class OpenedChannels {
  readonly #request: Pick<FanoutRequest, 'sshConfig' | 'scratch' | 'environment'>;
  readonly #files: Promise<void>;
  readonly #channels = new Map<number, PoolChannel>();
  /** Nodes that the pool sees to by itself from now on. */
  readonly #taken = new Set<number>();

  constructor(request: Pick<FanoutRequest, 'sshConfig' | 'scratch' | 'environment'>) {
    this.#request = request;
    this.#files = writeAgentFiles(request);
    this.#files.catch(() => undefined); // told by ready()
  }

  /** What connections need lies on shared storage. @throws Error of the file system */
  ready(): Promise<void> {
    return this.#files;
  }

  /** A node whose host key is known. One that cannot be reached is tried again by the pool. */
  async open(node: FanoutNode): Promise<void> {
    const written = await this.#files.then(
      () => true,
      () => false,
    );
    if (!written || this.#taken.has(node.index)) return;
    this.#channels.get(node.index)?.abandon();
    this.#channels.set(node.index, new PoolChannel({ node, ...this.#request }));
  }

  /** Hands the node's connection over, if there is one that is still open; once a node. */
  take(node: FanoutNode): PoolChannel | undefined {
    if (this.#taken.has(node.index)) return undefined;
    this.#taken.add(node.index);
    const channel = this.#channels.get(node.index);
    this.#channels.delete(node.index);
    return channel?.isOpen === true ? channel : undefined;
  }

  /** Ends what nobody took. */
  async close(): Promise<void> {
    const ended = [...this.#channels.values()].map(
      (channel) =>
        new Promise<void>((resolve) => {
          channel.listen({ onMessage: () => undefined, onNoise: () => undefined, onClose: () => resolve() });
          channel.abandon();
        }),
    );
    this.#channels.clear();
    await Promise.all(ended);
  }
}
