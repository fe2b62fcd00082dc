import { createHash } from 'node:crypto';
import type { DesignParts } from '../commands/design.ts';
import type { TableFormat } from '../commands/table.ts';
import type { Price } from '../deployment/price.ts';
import type { ManifestSource } from '../layout/run-id.ts';
import type { ResultsPlan } from '../results/result-fields.ts';
import { parsedJson } from '../util/parse-json.ts';

/** How a node's tasks are started: GNU parallel on node 0 as SIERRA does it, or one GNU parallel a node. */
export type FanoutScheme = 'stock' | 'pool';

type NotifyState = 'rejected' | 'stuck' | 'failed' | 'succeeded' | 'cancelled' | 'timed-out';

/** As many failed tasks as are too many: a number, or a share of all such as `5%`. */
export type StopAfter = 'never' | { failures: number | string };

/** What commands were made from: whose parameters a task has is read from here, by its number. */
export interface PlanDesign extends DesignParts {
  /** Of the manifest. */
  name: string;
  template: string;
  /** `runs/<run-id>/table.csv` or `.jsonl`; its SHA-256 where ingest has frozen it. */
  table?: { format: TableFormat; sha256?: string };
}

/** A list of commands, one a line. */
export interface CommandWork {
  kind: 'commands';
  /** Of a template; absent of a list, and in plans of earlier versions. */
  design?: PlanDesign;
  /**
   * `frozen`: written by ingest under `runs/<run-id>/commands.txt`. `in-work`: a file that arrives with the inputs,
   * relative to the tasks' folder; node 0 freezes and sends it. Of a design with a table it is the table.
   */
  file: { kind: 'frozen'; key: string; total: number; sha256?: string } | { kind: 'in-work'; path: string };
}

/** A SIERRA experiment. `args` are the user's; what we supply is added on node 0. */
export interface SierraWork {
  kind: 'sierra';
  args: readonly string[];
  /** Stages in the order given, taken out of the user's `--pipeline`; 1 2 3 4 when there was none. */
  pipeline: readonly number[];
  onFailedRuns: 'process' | 'stop';
  /** Whole runs that each experiment needs for stage 3 to be started; 1 when absent. */
  minRuns?: number;
}

/** Something brought to shared storage before the first task. `to` is relative to the tasks' folder. */
export type PlanInput =
  | { kind: 'archive'; bucket: string; key: string; sha256: string; to: string }
  | { kind: 'prefix'; bucket: string; prefix: string; to: string }
  | { kind: 'object'; bucket: string; key: string; to: string };

/**
 * What a job does, complete: made once from a manifest, stored as `runs/<run-id>/plan.json`, never changed.
 * The runner reads this and never the manifest. Times in seconds, sizes in MiB.
 */
export interface Plan {
  version: 1;
  runId: string;
  /** The run whose folder on shared storage is used: `runId`, or the first run of a chain of `resume`s. */
  folder: string;
  source: ManifestSource;
  name: string;
  cluster: {
    nodes: number;
    vcpus: number;
    memoryMiB: number;
    sharedMemoryMiB?: number;
    gpus?: number;
    image?: string;
    instanceType?: string;
    queue?: string;
  };
  minNodes: number;
  /** Tasks at once on each node. */
  slots: number;
  threadsPerTask: number;
  /** What a task is told of as its threads; absent in plans of earlier versions. */
  threads?: number;
  fanout: FanoutScheme;
  work: CommandWork | SierraWork;
  inputs: readonly PlanInput[];
  /** Paths and wildcards relative to the tasks' folder. */
  outputs: readonly string[];
  /** Those of `outputs` that may be missing. */
  optionalOutputs?: readonly string[];
  /** The closing command of a list of commands. */
  finally?: string;
  /** What becomes columns of the tables of tasks. */
  results?: ResultsPlan;
  /** What all tasks printed is sent, not only what failed ones did. */
  keepOutput?: 'all';
  workspace?: string;
  resume?: string;
  /** Of the run that is gone on with only what the same version has made. */
  keep?: 'same';
  environment: Readonly<Record<string, string>>;
  timeouts: {
    queueSeconds: number;
    joinSeconds: number;
    runSeconds: number;
    taskSeconds?: number;
    /** Between TERM and KILL for a task; absent in plans of earlier versions. */
    graceSeconds?: number;
    /** SIERRA's stages 3 to 5 together; of a list of commands absent. */
    processSeconds?: number;
    /** The closing command, after `runSeconds`; absent where there is none. */
    finallySeconds?: number;
  };
  /** What a task may write to stdout and stderr together; absent with `stock`, and in plans of earlier versions. */
  taskOutputMiB?: number;
  retry: { attempts: number; tasks: number };
  /** Failed tasks after which the run ends, or `never`; absent: when it looks hopeless. */
  stopAfter?: StopAfter;
  /** Of `budget`: that in node-hours, or what its dollars come to at `price`, whichever is nearer. */
  maxNodeHours?: number;
  /** Where `budget.usd` is what `maxNodeHours` comes from. */
  maxUsd?: number;
  /** Of one node, as it was known when the manifest was accepted: status, report and mails use the same. */
  price?: Price;
  notify: readonly NotifyState[];
  tags: Readonly<Record<string, string>>;
}

/** A manifest has at most 1 MiB, and its plan says less. */
export const MAX_PLAN_BYTES = 8 * 1024 * 1024;

/** `plan.json` as it is written: the SHA-256 of these very bytes is what the functions remember of it. */
export function renderPlan(plan: Plan): { text: string; sha256: string } {
  const text = JSON.stringify(plan, undefined, 1);
  return { text, sha256: planSha256(text) };
}

export function planSha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Seconds allowed for sending results once the tasks are done; part of the run's absolute deadline. */
export const COLLECT_SECONDS = 15 * 60;

/**
 * Whether a record is a plan that this version wrote. Ingest made it from a validated manifest: what can differ is the
 * version, and that somebody overwrote it, so no more than its parts is looked at.
 */
export function isPlan(value: unknown): value is Plan {
  return (
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 1 &&
    ['cluster', 'timeouts', 'retry', 'work', 'source', 'runId'].every((part) => part in value)
  );
}

/** The plan that a stored text is; undefined where there is none, or none that this version wrote. */
export function parsePlan(text: string | undefined): Plan | undefined {
  const value = parsedJson(text);
  return isPlan(value) ? value : undefined;
}
