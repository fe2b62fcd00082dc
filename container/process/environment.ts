import { isIP } from 'node:net';
import { isRunId } from '../../experiment/layout/run-id.ts';
import type { CheckFault } from '../../experiment/records/progress.ts';

/** What a node knows before it has asked anyone: its environment, read once and checked as a whole. */
export interface RunnerConfig {
  bucket: string;
  runId: string;
  /** Of plan.json, as the functions know it; absent where an earlier version of them submitted the job. */
  planSha256?: string;
  /** Absolute path of shared storage on every node. */
  shared: string;
  joinPort: number;
  sshPort: number;
  /** Batch's job id, without the `#<index>` that a node sees behind it. */
  jobId: string;
  /** From 1. */
  attempt: number;
  index: number;
  mainIndex: number;
  nodes: number;
  /** On workers only. */
  mainAddress?: string;
  /** ECS' container metadata, where there is one. */
  metadataUri?: string;
  /** True everywhere but on the local system: shared storage is a mount of its own, and the cgroup the node's own. */
  inContainer: boolean;
  progressSeconds: number;
  /** What this node has between SIGTERM and SIGKILL. */
  stopSeconds: number;
  /** Everything, for what is passed on to tasks and to SIERRA. */
  variables: Readonly<Record<string, string>>;
}

export type EnvironmentResult = { ok: true; config: RunnerConfig } | { ok: false; faults: CheckFault[] };

/** The variable that every process of this node's tasks carries: `<job id>-<attempt>-<index>`. */
export const NODE_MARKER = 'SIERRA_BATCH_NODE';

export function nodeMarker(config: Pick<RunnerConfig, 'jobId' | 'attempt' | 'index'>): string {
  return `${config.jobId}-${config.attempt}-${config.index}`;
}

/** Reads the runner's environment. Pure; every fault at once, each with what to do about it. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): EnvironmentResult {
  const reader = new Reader(env);
  const run = reader.matching(
    'SIERRA_BATCH_RUN',
    /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/runs\/[^/]+$/,
    's3://<bucket>/runs/<run-id>; the job definition or the submit function sets it',
  );
  const shared = reader.matching(
    'SIERRA_BATCH_SHARED',
    /^\/[^\0\n"]*[^/\0\n"]$/,
    'the absolute path of shared storage',
  );
  const planSha256 = reader.matching('SIERRA_BATCH_PLAN_SHA256', /^[0-9a-f]{64}$/, BATCH_SETS_IT, '');
  const joinPort = reader.whole('SIERRA_BATCH_JOIN_PORT', 1, 65_535, '7741');
  const sshPort = reader.whole('SIERRA_BATCH_SSH_PORT', 1, 65_535, '22');
  const progressSeconds = reader.whole('SIERRA_BATCH_PROGRESS_SECONDS', 1, 3600, '10');
  const stopSeconds = reader.whole('SIERRA_BATCH_STOP_SECONDS', 30, 3600, '30');
  if (!env.AWS_REGION && !env.AWS_DEFAULT_REGION)
    reader.fault('AWS_REGION', 'not set', 'set it in the job definition: ECS on EC2 does not');
  const job = reader.matching('AWS_BATCH_JOB_ID', /^[A-Za-z0-9-]{1,60}(#\d+)?$/, BATCH_SETS_IT);
  const attempt = reader.whole('AWS_BATCH_JOB_ATTEMPT', 1, 1000, '1');
  const nodes = reader.whole('AWS_BATCH_JOB_NUM_NODES', 1, 1000);
  const index = reader.whole('AWS_BATCH_JOB_NODE_INDEX', 0, 999);
  const mainIndex = reader.whole('AWS_BATCH_JOB_MAIN_NODE_INDEX', 0, 999, '0');
  const isMain = index === mainIndex;
  const mainAddress = isMain ? undefined : reader.mainAddress();
  const [, , bucket = '', , runId = ''] = run.split('/');
  if (run !== '' && !isRunId(runId))
    reader.fault('SIERRA_BATCH_RUN', `${runId} is not a run id`, BATCH_SETS_IT);
  if (index >= nodes && nodes > 0)
    reader.fault('AWS_BATCH_JOB_NODE_INDEX', `${index} of ${nodes} nodes`, BATCH_SETS_IT);
  if (reader.faults.length > 0) return { ok: false, faults: reader.faults };
  return {
    ok: true,
    config: {
      bucket,
      runId,
      ...(planSha256 === '' ? {} : { planSha256 }),
      shared,
      joinPort,
      sshPort,
      jobId: job.replace(/#\d+$/, ''),
      attempt,
      index,
      mainIndex,
      nodes,
      ...(mainAddress === undefined ? {} : { mainAddress }),
      ...(env.ECS_CONTAINER_METADATA_URI_V4 ? { metadataUri: env.ECS_CONTAINER_METADATA_URI_V4 } : {}),
      inContainer: env.AWS_ENDPOINT_URL_S3 === undefined,
      progressSeconds,
      stopSeconds,
      variables: defined(env),
    },
  };
}

const BATCH_SETS_IT =
  'AWS Batch sets this in every node of a multi-node job: start the runner by submitting a multi-node job, not by hand';

/** Reads variables and keeps every fault. */
export class Reader {
  readonly faults: CheckFault[] = [];
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #node: number;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
    const index = Number(env.AWS_BATCH_JOB_NODE_INDEX);
    this.#node = Number.isInteger(index) && index >= 0 ? index : 0;
  }

  fault(name: string, what: string, todo: string): void {
    this.faults.push({ node: this.#node, check: `environment:${name}`, what: `${name}: ${what}`, todo });
  }

  matching(name: string, pattern: RegExp, todo: string, otherwise?: string): string {
    const value = this.#env[name];
    if (value === undefined || value === '') {
      if (otherwise !== undefined) return otherwise;
      this.fault(name, 'not set', todo);
      return '';
    }
    if (!pattern.test(value)) this.fault(name, `${JSON.stringify(value)} is not what it should be`, todo);
    return value;
  }

  whole(name: string, min: number, max: number, otherwise?: string): number {
    const value = this.#env[name] || otherwise;
    if (value === undefined) {
      this.fault(name, 'not set', BATCH_SETS_IT);
      return min;
    }
    const number = Number(value);
    if (/^\d{1,9}$/.test(value) && number >= min && number <= max) return number;
    this.fault(name, `${JSON.stringify(value)} is not a whole number from ${min} to ${max}`, BATCH_SETS_IT);
    return min;
  }

  mainAddress(): string {
    const name = 'AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS';
    const value = this.#env[name] ?? '';
    if (isIP(value) === 0)
      this.fault(
        name,
        value === '' ? 'not set, and this is a worker' : `${JSON.stringify(value)} is no address`,
        BATCH_SETS_IT,
      );
    return value;
  }
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) result[name] = value;
  return result;
}
