import * as z from 'zod';
import { count, parseRecord, text, time, word } from './fields.ts';
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

/** In what a run may be stuck: getting machines, told nothing by node 0, coming to a job at all, coming to its end. */
export const STUCK_KINDS = ['queue', 'silent', 'submission', 'stop'] as const;
export type StuckKind = (typeof STUCK_KINDS)[number];

/** It names every event of the run. */
export const MAX_STATUS_BYTES = 1024 * 1024;

const state = z.enum(RUN_STATES);
const sentences = { headline: text, why: text, next: text };

const enteredState = z.object({
  state: z.enum([...RUN_STATES, 'stuck']),
  /** Of the job; 0 before there is one. */
  attempt: count,
  at: time,
  stuck: z.enum(STUCK_KINDS).optional(),
  /** What is said of it, where that is not what the state alone says. */
  said: z.object(sentences).optional(),
});

/** A state as it was entered in one attempt, or a run that got stuck in it: what people are told of, each once. */
export type EnteredState = z.infer<typeof enteredState>;

/** What is no state is left out: people are told of the others. */
const enteredStates = z
  .array(z.unknown())
  .catch([])
  .transform((all) => all.flatMap((one) => enteredState.safeParse(one).data ?? []))
  .readonly();

export const statusRecord = z.object({
  runId: word,
  state,
  /** The sentence for people: what the state means now, and why it waits if it does. */
  ...sentences,
  jobId: word.nullable(),
  attempt: count,
  /** Each state once, when it was first entered. */
  history: z.array(z.object({ state, at: time })).readonly(),
  /** Each state once for each attempt, oldest first, and when it got stuck. */
  entered: enteredStates.optional(),
  /** The names of the events that this status is made from. */
  events: z.array(word).min(1).readonly(),
});

/** `runs/<run-id>/status.json`. Times are ISO 8601 in UTC. */
export type Status = z.infer<typeof statusRecord>;

/** Each state of each attempt, in their order; of an older status each state once. */
export function statesOf({ entered, history }: Status): (Status['history'][number] & { attempt?: number })[] {
  return (entered ?? history).flatMap(({ state, ...more }) =>
    state === 'stuck' ? [] : [{ state, ...more }],
  );
}

export function parseStatus(stored: string | undefined): Status | undefined {
  return parseRecord(statusRecord, stored);
}
