import type { Server } from 'node:net';
import type { MakeNonce } from '../../experiment/util/clock.ts';
import type { StartNode } from '../aws/batch/node-start.ts';

/** What every kind of nodes is made with. */
export interface NodesSettings {
  /** `.sierra-batch/logs`: one folder a job, one file a node. */
  logs: string;
  /** What a container image would bring: PATH, HOME, USER, LANG. */
  imageEnvironment: Readonly<Record<string, string>>;
  /** What every node gets besides: endpoint, credentials, region. */
  extraEnvironment: () => Readonly<Record<string, string>>;
  /** Makes a node's address known to its ECS metadata URL and returns that URL. */
  announce: (token: string, address: string) => string;
  nonce: MakeNonce;
  sshPort: number;
  joinPort: number;
}

/** Where the local Batch runs its nodes. */
export interface Nodes {
  readonly start: StartNode;
  /** The loss of one node's host: `<job id>-<attempt>-<index>`. */
  killNode(name: string): Promise<void>;
  /** SIGKILL to every process of every node. */
  killAll(): void;
}

/** A kind of nodes, and what the rest of the system has to know of it. */
export interface KindOfNodes {
  make(settings: NodesSettings): Nodes;
  sshPort: number;
  joinPort: number;
  /** What their image brings; without it, what the system was started with. */
  imageEnvironment?: Readonly<Record<string, string>>;
  /** Where they see shared storage; without it, where it lies on this machine. */
  sharedFolder?: string;
  /** The socket that they find this process by; without it, its loopback address. */
  door?: { server: Server; address: string; port: number };
}
