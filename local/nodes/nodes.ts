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
