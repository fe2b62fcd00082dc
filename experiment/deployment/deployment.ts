/**
 * What a deployment gives every run of it: read once from the environment by `functions/live.ts`, or made by the local
 * system. Limits of a manifest that depend on it (its queue's vCPUs, its buckets and queues) are judged with this.
 */
export interface Deployment {
  bucket: string;
  stateMachineArn: string;
  /** `name:revision` or ARN of the multi-node job definition. */
  jobDefinition: string;
  /** Queues a manifest may name. One with a scheduling policy refuses a job that names no share, one without refuses one that does. */
  queues: Readonly<Record<string, { arn: string; maxvCpus: number; fairShare?: boolean | undefined }>>;
  defaultQueue: string;
  /**
   * What the machines of the default queue are: types or whole families of EC2. The first is what a job gets whose manifest
   * names none. Absent where nodes are no instances.
   */
  instanceTypes?: readonly string[];
  /** USD an hour of the first of them, on demand; absent where nobody knows it. */
  nodePrice?: number | undefined;
  /** Other buckets that `inputs` and `commands.file` may name, besides `bucket`. */
  inputBuckets: readonly string[];
  /** For what a manifest leaves out. */
  defaults: { vcpus: number; memoryMiB: number };
  /** Where shared storage is mounted in the container: `/mnt/efs`. */
  sharedFolder: string;
  joinPort: number;
  sshPort: number;
  /** Where mails are published; without it nobody is written to. */
  topicArn?: string;
  /** Where the bucket can be looked at when that is not AWS' console; ends with a slash. */
  bucketUrl?: string;
  /** More of the runner's environment; only the local system uses it (endpoint variables). */
  extraEnvironment?: Readonly<Record<string, string>>;
}
