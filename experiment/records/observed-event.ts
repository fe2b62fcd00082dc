import * as z from 'zod';
import { count, parseRecord, text, word } from './fields.ts';
import { OUTCOMES } from './outcome.ts';
import { STUCK_KINDS } from './status.ts';

export const MAX_EVENT_BYTES = 256 * 1024;

/** In ms since the epoch, up to the last that ISO 8601 writes with a year of four digits. */
const at = z
  .number()
  .min(0)
  .max(Date.UTC(9999, 11, 31));
const sentences = { headline: text, why: text, next: text };

/** Batch's own, in their order. */
const jobStatus = z.enum(['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED']);
export type JobStatus = z.infer<typeof jobStatus>;

export const eventRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('accepted'), at }),
  z.object({
    kind: z.literal('job'),
    at,
    jobId: word,
    attempt: count,
    status: jobStatus,
    reason: text.exactOptional(),
    exitCode: z.int().exactOptional(),
  }),
  z.object({ kind: z.literal('waiting'), at, jobId: word, reason: text }),
  z.object({
    kind: z.literal('phase'),
    at,
    jobId: word,
    attempt: count,
    phase: z.enum(['joining', 'running', 'collecting']),
  }),
  /** Nothing has happened for longer than it should: told once for each kind and attempt. */
  z.object({ kind: z.literal('stuck'), at, attempt: count, what: z.enum(STUCK_KINDS), ...sentences }),
  z.object({
    kind: z.literal('stop-asked'),
    at,
    cause: z.enum(['cancelled', 'timed-out', 'failed']),
    why: text,
  }),
  z.object({ kind: z.literal('ended'), at, outcome: z.enum(OUTCOMES), ...sentences }),
]);

/**
 * One thing that was observed of a run. Stored as `runs/<run-id>/events/<id>.json`, the id being a hash of what it
 * says, so that seeing the same thing twice writes the same object. `at` is when it happened as far as the observer
 * can know, in milliseconds since the epoch.
 */
export type ObservedEvent = z.infer<typeof eventRecord>;

export function parseObservedEvent(stored: string | undefined): ObservedEvent | undefined {
  return parseRecord(eventRecord, stored);
}
