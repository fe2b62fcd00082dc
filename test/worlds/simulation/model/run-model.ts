import type { JobStatus } from '@aws-sdk/client-batch';
import type { Telling } from '../cloud/invocations.ts';

/**
 * What the outside saw of one run of the simulation: what was asked, what Batch and Step Functions did, what lies in the
 * bucket. Nothing of the control plane's own state but that it is there or gone.
 */
export interface Seen {
  drops: readonly {
    key: string;
    version: string;
    at: number;
    isValid: boolean;
    runId: string;
    deletedAt?: number;
    cancelledAt?: number;
  }[];
  jobs: readonly SeenJob[];
  executions: readonly {
    name: string;
    status: string;
    error?: string;
    startedAt: number;
    stoppedAt?: number;
    transitions: number;
    history: readonly { at: number; state?: string }[];
  }[];
  /** Every copy of every message that reached the bus or the topic, in this order. */
  tellings: readonly Telling[];
  /** Jobs that passed the fence, in this order. */
  owned: readonly { runId: string; jobId: string; attempt: number }[];
  /** Versions of manifests whose event was lost for good. */
  unheard: ReadonlySet<string>;
  /** Runs that the cloud itself ended, and when. */
  hurt: ReadonlyMap<string, number>;
  /** Keys that tasks wrote over. */
  overwritten: ReadonlySet<string>;
  /** Batch soon knows nothing of a job that has ended. */
  jobsForgotten: boolean;
  /** Tries to collect each run's outcome, in this order, and whether a fault met who made them. */
  collects: ReadonlyMap<string, readonly { tries: number; by: { isTroubled: boolean } }[]>;
  /** Text of every object in the bucket. */
  objects: ReadonlyMap<string, string>;
  /** Milliseconds since the epoch. */
  startedAt: number;
  healedAt: number;
  now: number;
  /** Everything came to its end before time was up. */
  cameToRest: boolean;
  /** Any fault of functions was on: then only from `healedAt` on a time can be kept. */
  functionsFailed: boolean;
  anyFault: boolean;
  /** Some submission may have come to Batch, or to its lists, only when its lease was over. */
  submissionsLate: boolean;
  listedLateMs: number;
  /** Looks at every run that came to their end with no fault in them. */
  wholeSweeps: readonly { beganAt: number; endedAt: number }[];
  calls: number;
}

export interface SeenJob {
  id: string;
  name: string;
  status: JobStatus;
  createdAt: number;
  stoppedAt?: number;
  terminated?: string;
}

/** Holds a promise against what was seen. */
export type Claim = (invariant: string, holds: boolean, what: string) => void;
