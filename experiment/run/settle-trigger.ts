import * as z from 'zod';
import { salvagedRun } from '../batch/maintenance-job.ts';
import { isRunId } from '../layout/run-id.ts';

/** Why settle was called. None of them is believed: each is a reason to look. */
export type SettleReason =
  | { kind: 'run'; runId: string; jobId?: string | undefined }
  | { kind: 'stop'; runId: string; error: { name: string; cause: string } }
  /** A job that salvages this run changed. */
  | { kind: 'salvage'; runId: string; jobId: string }
  | { kind: 'everything' }
  | { kind: 'not-ours'; what: string };

const jobEvent = z.object({
  source: z.literal('aws.batch'),
  detail: z.object({ jobName: z.string().optional(), jobId: z.string().optional() }),
});
const executionEvent = z.object({ source: z.literal('aws.states'), detail: z.object({ name: z.string() }) });
const schedule = z.object({ source: z.enum(['aws.events', 'aws.scheduler']) });
/** Whatever the error looks like, and with no cause at all: a run that is to be stopped is stopped. */
const stop = z.object({
  stop: z.string(),
  error: z
    .object({ Error: z.string().catch(''), Cause: z.string().catch('') })
    .catch({ Error: '', Cause: '' }),
});

/** Reads what settle was invoked with: an event of Batch or Step Functions, the schedule, or the state `Stop`. */
export function settleReason(event: unknown): SettleReason {
  const told = stop.safeParse(event);
  if (told.success) {
    const { Error: name, Cause: cause } = told.data.error;
    return { kind: 'stop', runId: told.data.stop, error: { name, cause } };
  }
  if (schedule.safeParse(event).success) return { kind: 'everything' };
  const execution = executionEvent.safeParse(event);
  if (execution.success) return ofRun(execution.data.detail.name, undefined);
  const job = jobEvent.safeParse(event);
  const salvaged = salvagedRun(job.data?.detail.jobName ?? '');
  if (salvaged !== undefined)
    return { kind: 'salvage', runId: salvaged, jobId: withoutNode(job.data?.detail.jobId) ?? '' };
  if (job.success) return ofRun(job.data.detail.jobName ?? '', job.data.detail.jobId);
  return { kind: 'not-ours', what: 'no event that settle knows' };
}

function ofRun(name: string, jobId: string | undefined): SettleReason {
  if (!isRunId(name)) return { kind: 'not-ours', what: 'the name is not that of a run' };
  return { kind: 'run', runId: name, jobId: withoutNode(jobId) };
}

/** A node's own event carries `<job id>#<node>`. */
function withoutNode(jobId: string | undefined): string | undefined {
  return jobId?.replace(/#\d+$/, '');
}
