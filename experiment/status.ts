import type { Outcome } from './summary.ts';

export type RunState = 'submitted' | 'queued' | 'starting' | 'joining' | 'running' | 'collecting' | Outcome;

/** Batch's own job states, in their order. */
export type JobStatus =
  | 'SUBMITTED'
  | 'PENDING'
  | 'RUNNABLE'
  | 'STARTING'
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED';

/**
 * One thing that was observed of a run. Stored as `runs/<run-id>/events/<id>.json`, the id being a hash of what it
 * says, so that seeing the same thing twice writes the same object. `at` is when it happened as far as the observer
 * can know, in milliseconds since the epoch.
 */
export type ObservedEvent =
  | { kind: 'accepted'; at: number }
  | {
      kind: 'job';
      at: number;
      jobId: string;
      attempt: number;
      status: JobStatus;
      reason?: string;
      exitCode?: number;
    }
  | { kind: 'waiting'; at: number; jobId: string; reason: string }
  | { kind: 'phase'; at: number; jobId: string; attempt: number; phase: 'joining' | 'running' | 'collecting' }
  | { kind: 'stop-asked'; at: number; cause: 'cancelled' | 'timed-out' | 'failed'; why: string }
  | { kind: 'ended'; at: number; outcome: Outcome; headline: string; why: string; next: string };

/** `runs/<run-id>/status.json`. */
export interface Status {
  runId: string;
  state: RunState;
  /** The sentence for people: what the state means now, and why it waits if it does. */
  headline: string;
  why: string;
  next: string;
  jobId: string | null;
  attempt: number;
  /** Each state once, when it was first entered (ISO 8601, UTC). */
  history: readonly { state: RunState; at: string }[];
  /** The names of the events that this status is made from. */
  events: readonly string[];
}
