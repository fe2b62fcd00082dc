import type { ExitCode } from './exit-code.ts';

/** Where the runner on node 0 is. `done` is written once, with the exit code, just before it exits. */
export type RunnerPhase = 'checking' | 'joining' | 'running' | 'collecting' | 'done';

export interface TaskCounts {
  total: number;
  succeeded: number;
  failed: number;
  /** Tasks that were started more than once because they failed. */
  retried: number;
  /** Started on a node that was lost and never finished anywhere. */
  lost: number;
}

/** How many runs of one SIERRA experiment are whole: its statistics are of these alone. */
export interface ExperimentRuns {
  /** For instance `c1-exp0`. */
  experiment: string;
  whole: number;
  runs: number;
}

/**
 * `runs/<run-id>/progress.json`, written by node 0 only. It is what settle learns the run's inner state from.
 * Times are ISO 8601 in UTC.
 */
export interface Progress {
  runId: string;
  jobId: string;
  attempt: number;
  phase: RunnerPhase;
  at: string;
  startedAt: string;
  joinedAt?: string;
  tasksStartedAt?: string;
  tasksEndedAt?: string;
  nodes: { expected: number; joined: number; lost: number };
  tasks: TaskCounts & { running: number };
  /** Slots there are now. */
  slots: number;
  /** Sum of the instance time of all nodes so far, in hours. */
  nodeHours: number;
  /** Tasks a second over the last ten seconds. */
  rate: number;
  /** SIERRA's stage under way. */
  stage?: number;
  /** SIERRA's experiments that miss runs, before stage 3: what is made of them is of their whole runs alone. */
  incomplete?: readonly ExperimentRuns[];
  exitCode?: ExitCode;
  reason?: RunnerReason;
}

export type NodeState = 'joined' | 'late' | 'lost' | 'never-came' | 'released';

/** One entry of `runs/<run-id>/nodes.json`. */
export interface NodeRecord {
  index: number;
  /** Absent for a node that never came. */
  address?: string;
  slots: number;
  state: NodeState;
  tasks: number;
  busySeconds: number;
  cpus?: number;
  joinedAt?: string;
  lostAt?: string;
  releasedAt?: string;
  /** Why the node was given up, in a sentence. */
  lostBecause?: string;
  /** How far its clock is ahead of node 0's (negative: behind); only of a clock that is wrong. */
  clockAheadSeconds?: number;
  /** Highest memory of the node's container, from its cgroup. */
  peakMemoryMiB?: number;
  /** CPU time of all that ran in it, from its cgroup, since it began. */
  cpuSeconds?: number;
  versions?: Readonly<Record<string, string>>;
}

/** One thing wrong with a node before any task ran, with what to do about it. */
export interface CheckFault {
  node: number;
  /** For instance `shared-storage-not-mounted`, `no-sshd`, `cpu-counts-differ`. */
  check: string;
  what: string;
  todo: string;
}

/** Why the runner ended as it did; diagnosis turns it into sentences. */
export type RunnerReason =
  | { kind: 'succeeded' }
  | { kind: 'tasks-failed'; failed: number; lost: number }
  | {
      /** Some SIERRA experiment has too few whole runs ({@link Progress.incomplete}): this stage was not started. */
      kind: 'too-few-runs';
      stage: number;
      minRuns: number;
      /** Failed commands that name no run, so that nobody can tell what they have written. */
      unnamed: number;
    }
  | { kind: 'bad-environment'; faults: readonly CheckFault[] }
  | { kind: 'bad-plan'; what: string }
  | { kind: 'too-few-joined'; joined: number; needed: number; missing: readonly number[] }
  | { kind: 'too-many-lost'; left: number; needed: number; lost: readonly number[] }
  | {
      kind: 'sierra-failed';
      stage: number;
      exitCode: number;
      /** The end of what SIERRA wrote. */
      tail: string;
      /** Where it went wrong, as far as SIERRA's own words tell: `c1-exp0` and the run in it. */
      experiment?: string;
      run?: number;
      /** Its batch root on shared storage. */
      files?: string;
      /** `timeouts.process`, where that ended it. */
      limitSeconds?: number;
    }
  | { kind: 'not-owner'; owner: string }
  | { kind: 'budget-used'; nodeHours: number; maxNodeHours: number }
  | { kind: 'run-time-limit'; seconds: number }
  | { kind: 'terminated'; signal: string }
  | { kind: 'storage-failed'; what: string; path: string }
  | { kind: 'internal'; what: string };

/** `runs/<run-id>/outputs/index.json`. */
export interface OutputIndex {
  files: readonly { path: string; size: number; sha256: string }[];
  /** Paths named in the manifest at which nothing was found. */
  missing: readonly string[];
  /** How many files could not be sent; node 0's log names each. Absent when all were. */
  unsent?: number | undefined;
}
