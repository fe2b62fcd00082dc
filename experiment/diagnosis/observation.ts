import type { ObservedAttempt } from '../batch/job-observation.ts';
import type { Price } from '../deployment/price.ts';
import type { JobStatus } from '../records/observed-event.ts';
import type { OutputIndex } from '../records/outputs.ts';
import type { ExperimentRuns, FailingNow, RunnerReason, TaskCounts } from '../records/progress.ts';
import type { RunState } from '../records/status.ts';
import type { FailedTasks } from './failed-tasks/kind.ts';

/** Why this system itself told a run to end. */
export type StopBecause =
  /** Someone cancelled it. */
  | 'person'
  /** `timeouts.queue` reached before the nodes were there. */
  | 'queue-limit'
  /** The absolute deadline of the run (all attempts and their limits). */
  | 'deadline'
  | 'budget'
  /** Node 0 has reported nothing for too long although its job is RUNNING. */
  | 'silent'
  /** The job could not be submitted: `why` holds AWS's own words. */
  | 'submit-refused'
  /** The execution failed past its catches. */
  | 'execution-failed';

/**
 * All that is known of a run when somebody asks how it is. Only the id and the state are needed; what is not known is
 * left out and never guessed. The state may be an outcome.
 */
export interface Observed extends Pick<FailedTasks, 'failures' | 'tasksOn'> {
  runId: string;
  state: RunState;
  /** What node 0 wrote as its reason, if it came so far. */
  runner?: RunnerReason | undefined;
  exitCode?: number | null | undefined;
  job?:
    | {
        id?: string | undefined;
        status?: JobStatus | undefined;
        statusReason?: string | undefined;
        /** Oldest first. */
        attempts?: readonly ObservedAttempt[] | undefined;
      }
    | undefined;
  /** Batch's reason for a job that stays RUNNABLE, and for how long it has waited so far. */
  waiting?: { reason?: string | undefined; seconds?: number | undefined } | undefined;
  /** Set when the run was asked to end. `by` is a person's or role's name where it is known. */
  stop?:
    | {
        cause: 'cancelled' | 'timed-out' | 'failed';
        why: string;
        because?: StopBecause | undefined;
        by?: string | undefined;
      }
    | undefined;
  limits?:
    | {
        queueSeconds?: number | undefined;
        joinSeconds?: number | undefined;
        runSeconds?: number | undefined;
        taskSeconds?: number | undefined;
        maxNodeHours?: number | undefined;
        maxUsd?: number | undefined;
        /** Of the job. */
        attempts?: number | undefined;
      }
    | undefined;
  tasks?: (TaskCounts & { running?: number | undefined; before?: number | undefined }) | undefined;
  nodes?: { expected: number; joined: number; lost: number } | undefined;
  /** What the manifest names under `outputs` and was not there, and how many files could not be sent. */
  outputs?: Pick<OutputIndex, 'missing' | 'unsent' | 'notSent' | 'before'> | undefined;
  nodeHours?: number | undefined;
  price?: Price | undefined;
  runSeconds?: number | null | undefined;
  /** SIERRA's stage under way. */
  stage?: number | undefined;
  /** The largest groups of failed tasks while the run goes on. */
  failing?: readonly FailingNow[] | undefined;
  /** Tasks that left processes running, which were ended with the run. */
  leftBehind?: number | undefined;
  /** Tasks that were killed for want of memory and tried once more, alone on a node. */
  triedAlone?: number | undefined;
  /** So many tasks fit in a node's memory at most, by those that ran out of it. */
  fit?: number | undefined;
  /** SIERRA's experiments that miss runs, before stage 3. */
  incomplete?: readonly ExperimentRuns[] | undefined;
}

/** A sentence each: what happened, why, and what to do or type next. */
export interface Sentences {
  headline: string;
  why: string;
  next: string;
}

/** What {@link Observed} comes to. `situation` is a stable name for machines (tests, metrics, events). */
export interface Diagnosis extends Sentences {
  situation: string;
}

/**
 * One row of the table: a condition and what is said when it holds. `match` answers undefined when the situation is
 * another one, else what the sentences need.
 */
export interface Situation {
  name: string;
  tell(observed: Observed): Sentences | undefined;
}
