/** One node's container as Batch would start it. */
export interface NodeSpec {
  /** The job's id, without a node index. */
  jobId: string;
  jobName: string;
  /** From 1. */
  attempt: number;
  index: number;
  isMain: boolean;
  numNodes: number;
  vcpus: number;
  memoryMiB: number;
  image: string;
  command: readonly string[];
  /** Definition, override and Batch's own variables, merged as Batch merges them. */
  environment: Readonly<Record<string, string>>;
}

/** How a node's container ended. */
export interface NodeExit {
  /** Absent when the host was lost: nobody saw the container exit. */
  exitCode?: number;
  /** The container's reason, for instance `OutOfMemoryError: Container killed due to memory usage`. */
  reason?: string;
  /** The job's status reason, when it is not about the container (`Host EC2 (instance i-0…) terminated.`). */
  statusReason?: string;
}

export interface RunningNode {
  /** The node's own IPv4 address; children are told main's. */
  address: string;
  /** Never rejects. */
  exited: Promise<NodeExit>;
  /** SIGTERM. */
  terminate(): void;
  /** SIGKILL. */
  kill(): void;
}

/** Starts a node. A rejection is a container that could not be started; its message becomes the reason. */
export type StartNode = (spec: NodeSpec) => Promise<RunningNode>;
