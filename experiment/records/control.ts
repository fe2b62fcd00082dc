import * as z from 'zod';
import type { ManifestSource } from '../layout/run-id.ts';
import { UnknownRecord } from '../util/errors.ts';
import { count, MAX_TEXT, text, word } from './fields.ts';
import { OUTCOMES } from './outcome.ts';

/** Keys of what was told: the states of each of ten attempts come to a hundred. */
const MAX_TOLD = 10_000;
/** In milliseconds since the epoch, up to the last that a date can be. */
const moment = z.number().min(0).max(8.64e15);

const stop = z.object({
  at: moment,
  cause: z.enum(['cancelled', 'timed-out', 'failed']),
  why: text,
  because: z.enum([
    'person',
    'queue-limit',
    'deadline',
    'budget',
    'silent',
    'submit-refused',
    'execution-failed',
  ]),
});

export const toldRecord = z.object({
  /** Keys of the messages that were sent: `queued`, `mail:succeeded`. */
  keys: z.array(word).max(MAX_TOLD),
  /** Somebody is about to send the others; until `leaseUntil` nobody else does. */
  telling: z.object({ nonce: word, leaseUntil: moment }).optional(),
});

export const controlRecord = z.object({
  version: z.literal(1),
  runId: word,
  source: z.object({ bucket: word, key: text, version: word }),
  /** Of the last write: whose 412 finds it in the stored record did write it. */
  nonce: word,
  acceptedAt: moment,
  /** The run is ended then at the latest: all attempts with all their limits. */
  deadlineAt: moment,
  /** In the tags of every job submitted for this run. */
  jobNonce: word,
  /** Of plan.json, which holds that of commands.txt: no other plan is submitted. Absent where an earlier version claimed the run. */
  planSha256: word.optional(),
  /** A step of the state machine that waits for the job. Only a higher retry count replaces it. Never logged. */
  token: z.object({ value: text, retryCount: count }).optional(),
  /** Somebody is about to submit the job; until `leaseUntil` nobody else does. */
  submitting: z.object({ nonce: word, leaseUntil: moment }).optional(),
  job: z.object({ id: word, knownSince: moment }).optional(),
  stop: stop.optional(),
  /**
   * Decided and worded once, by whoever comes first: Batch forgets jobs, and a second look may see less. `writtenAt` once
   * summary, status and report say so too.
   */
  ended: z
    .object({
      at: moment,
      outcome: z.enum(OUTCOMES),
      headline: text,
      why: text,
      next: text,
      writtenAt: moment.optional(),
    })
    .optional(),
  /** How often collecting this outcome was begun, and since when; with the last try, since when no more is read for it. */
  collects: z.object({ tries: count, since: moment }).optional(),
  /** What people have been told of, each once. */
  told: toldRecord.optional(),
  closedAt: moment.optional(),
});

/** `control/<run-id>.json`: what the functions know of a run and nobody else may read. Times in ms since the epoch. */
export type Control = z.infer<typeof controlRecord>;

/** What was told of one run or rejection, and who is telling just now. */
export type Told = z.infer<typeof toldRecord>;

/** Why and by what the run was asked to end. */
export type Stop = z.infer<typeof stop>;

/** A run as it is claimed: nothing has been started. */
export function newControl(claim: {
  runId: string;
  source: ManifestSource;
  nonce: string;
  now: number;
  deadlineAt: number;
  planSha256: string;
}): Control {
  const { runId, nonce, now, deadlineAt, planSha256 } = claim;
  return {
    version: 1,
    runId,
    source: claim.source,
    nonce,
    acceptedAt: now,
    deadlineAt,
    jobNonce: nonce,
    planSha256,
  };
}

/** What was told of a rejection, from its record; nothing where there is none that can be read: then it is told again. */
export function parseTold(text: string | undefined): Told {
  try {
    return toldRecord.parse(JSON.parse(text ?? ''));
  } catch {
    return { keys: [] };
  }
}

/** @throws UnknownRecord when the text is not a record of this version */
export function parseControl(text: string): Control {
  try {
    return controlRecord.parse(JSON.parse(text));
  } catch (error) {
    throw new UnknownRecord(`not a control record that this version wrote: ${firstLine(error)}`);
  }
}

export function renderControl(control: Control): string {
  return JSON.stringify(control);
}

export function sameSource(one: ManifestSource, other: ManifestSource): boolean {
  return one.bucket === other.bucket && one.key === other.key && one.version === other.version;
}

/** What comes of a task token that the submit function was given. */
export type TokenDecision =
  | { kind: 'store'; control: Control }
  /** The same call again, or an older one that came late. */
  | { kind: 'known' }
  | { kind: 'refuse'; why: string };

/**
 * A retried `Run` state has a higher retry count and a new token; the old one is dead. Another token with the same count
 * is a redrive, which starts a state from nought: an ended run is not driven again, since its folder and its job are past.
 */
export function decideToken(control: Control, token: { value: string; retryCount: number }): TokenDecision {
  if (control.closedAt !== undefined || control.ended !== undefined)
    return {
      kind: 'refuse',
      why: `the run ${control.runId} has ended and cannot be driven again: name it under \`resume\` in a manifest`,
    };
  if (control.stop !== undefined) return { kind: 'refuse', why: control.stop.why };
  const known = control.token;
  if (known === undefined || token.retryCount > known.retryCount)
    return { kind: 'store', control: { ...control, token } };
  if (token.value === known.value || token.retryCount < known.retryCount) return { kind: 'known' };
  return { kind: 'refuse', why: `the execution of ${control.runId} was redriven, which this system refuses` };
}

/** From now until `leaseUntil` only the holder of this nonce submits the job. */
export function withSubmission(control: Control, nonce: string, leaseUntil: number): Control {
  return { ...control, submitting: { nonce, leaseUntil } };
}

/** The job is known: whatever was about to submit one need not, and what another job came to does not count. */
export function withJob(control: Control, id: string, now: number): Control {
  const { submitting: _, ended: __, collects: ___, ...rest } = control;
  return { ...rest, job: { id, knownSince: now } };
}

/** A submission that came to nothing. */
export function withoutSubmission(control: Control): Control {
  const { submitting: _, ...rest } = control;
  return rest;
}

/** What the run came to. A sentence may name what is wrong with each of 1,000 nodes. */
export function withEnd(control: Control, ended: NonNullable<Control['ended']>): Control {
  const { headline, why, next } = ended;
  const [shortHeadline = '', shortWhy = '', shortNext = ''] = [headline, why, next].map((one) =>
    one.slice(0, MAX_TEXT).toWellFormed(),
  );
  return { ...control, ended: { ...ended, headline: shortHeadline, why: shortWhy, next: shortNext } };
}

/** The run is to end. What was collected under another outcome no longer counts. */
export function withStop(control: Control, wanted: Stop): Control {
  const { ended: _, collects: __, ...rest } = control;
  return { ...rest, stop: { ...wanted, why: wanted.why.slice(0, MAX_TEXT).toWellFormed() } };
}

/** As often as the state Collect is tried again, with minutes between. */
export const MAX_COLLECTS = 8;
/**
 * So long tries at which AWS did not answer do not count, since nothing that the run left is to blame, and so long an end
 * without a report is noted again.
 */
const TRY_FOR_MS = 3_600_000;

/** One more try to write down what the run came to; none is counted of a run that has its results. */
export function withCollect(control: Control, now: number): Control | undefined {
  const { collects = { tries: 0, since: now } } = control;
  if (!isUnwritten(control) || collects.tries > MAX_COLLECTS) return undefined;
  const tries = collects.tries + 1;
  return { ...control, collects: { tries, since: tries > MAX_COLLECTS ? now : collects.since } };
}

/** The same without the try that AWS ended. */
export function withoutCollect(control: Control, now: number): Control | undefined {
  const { collects } = control;
  if (collects === undefined || collects.tries === 0 || now - collects.since >= TRY_FOR_MS) return undefined;
  return { ...control, collects: { ...collects, tries: collects.tries - 1 } };
}

/** Whether what the run left may be read once more. */
export function mayCollect(control: Control): boolean {
  return !isUnwritten(control) || (control.collects?.tries ?? 0) <= MAX_COLLECTS;
}

/** Whether what the run came to is to be written down once more, with a report or without one. */
export function mayWriteEnd(control: Control, now: number): boolean {
  return isUnwritten(control) && (mayCollect(control) || now - (control.collects?.since ?? now) < TRY_FOR_MS);
}

/** When all that can be written was: from then on people are told of the end. */
export function toldFrom({ ended, collects }: Control): number {
  return ended?.writtenAt ?? Math.max(ended?.at ?? 0, (collects?.since ?? 0) + TRY_FOR_MS);
}

function isUnwritten({ ended, closedAt }: Control): boolean {
  return closedAt === undefined && ended?.writtenAt === undefined;
}

function firstLine(error: unknown): string {
  const text = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
  return text.split('\n').slice(0, 3).join(' ').slice(0, 300);
}
