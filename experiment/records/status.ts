import type { Outcome } from './outcome.ts';
import { OUTCOMES } from './outcome.ts';

/** The states of a run that goes on, in their order. */
export const STATES_UNDER_WAY = [
  'submitted',
  'queued',
  'starting',
  'joining',
  'running',
  'collecting',
] as const;
export const RUN_STATES = [...STATES_UNDER_WAY, ...OUTCOMES] as const;
export type RunState = (typeof RUN_STATES)[number];

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
  /** Nothing has happened for longer than it should: told once for each kind and attempt. */
  | {
      kind: 'stuck';
      at: number;
      attempt: number;
      what: StuckKind;
      headline: string;
      why: string;
      next: string;
    }
  | { kind: 'stop-asked'; at: number; cause: 'cancelled' | 'timed-out' | 'failed'; why: string }
  | { kind: 'ended'; at: number; outcome: Outcome; headline: string; why: string; next: string };

/** In what a run may be stuck: getting machines, told nothing by node 0, coming to a job at all, coming to its end. */
export const STUCK_KINDS = ['queue', 'silent', 'submission', 'stop'] as const;
export type StuckKind = (typeof STUCK_KINDS)[number];

/** A state as it was entered in one attempt, or a run that got stuck in it: what people are told of, each once. */
export interface EnteredState {
  state: RunState | 'stuck';
  /** Of the job; 0 before there is one. */
  attempt: number;
  /** ISO 8601, UTC. */
  at: string;
  stuck?: StuckKind | undefined;
  /** What is said of it, where that is not what the state alone says. */
  said?: { headline: string; why: string; next: string } | undefined;
}

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
  /** Each state once for each attempt, oldest first, and when it got stuck. */
  entered?: readonly EnteredState[];
  /** The names of the events that this status is made from. */
  events: readonly string[];
}
