import type { JobObservation } from '../batch/job-observation.ts';
import type { Control, Stop } from '../records/control.ts';
import { EXIT } from '../records/exit-code.ts';
import type { Outcome } from '../records/outcome.ts';
import type { Progress } from '../records/progress.ts';

/** Step Functions' states of an execution that is over. */
export type ExecutionEnd = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** Limits that settle judges by what it saw a moment ago: a job that was done all the same by then has kept them. */
const LIMITS: readonly Stop['because'][] = ['queue-limit', 'deadline', 'budget', 'silent'];

/**
 * Why a run came to its end: who told it to, else what its job did. Of a job that Batch has forgotten, node 0's last word
 * counts, where that is of this job.
 */
export function decideOutcome(
  control: Pick<Control, 'stop' | 'job'>,
  job: JobObservation | undefined,
  progress: Pick<Progress, 'jobId' | 'phase' | 'exitCode'> | undefined,
): Outcome {
  const { stop } = control;
  if (stop !== undefined && !(LIMITS.includes(stop.because) && job?.status === 'SUCCEEDED'))
    return stop.cause;
  const said = progress?.jobId === control.job?.id && progress?.phase === 'done' ? progress : undefined;
  const exitCode = job?.exitCode ?? said?.exitCode;
  if (exitCode === EXIT.runTimeLimit) return 'timed-out';
  if (job === undefined) return exitCode === EXIT.succeeded ? 'succeeded' : 'failed';
  if (job.status === 'SUCCEEDED') return 'succeeded';
  // Batch's own limit, should node 0 not have ended the run before it.
  return /attempt duration exceeded timeout/i.test(job.statusReason ?? '') ? 'timed-out' : 'failed';
}

/**
 * Whether what was collected and the end of the execution say the same. An execution that ends in its own Fail state is
 * FAILED also for a run that a limit of ours has timed out.
 */
export function agrees(end: ExecutionEnd, outcome: Outcome): boolean {
  switch (end) {
    case 'SUCCEEDED':
      return outcome === 'succeeded';
    case 'ABORTED':
      return outcome === 'cancelled';
    case 'TIMED_OUT':
      return outcome === 'timed-out';
    case 'FAILED':
      return outcome === 'failed' || outcome === 'timed-out';
  }
}

/** What an execution's end makes of a run that had not ended by itself. */
export function causeOf(end: ExecutionEnd): 'cancelled' | 'timed-out' | 'failed' {
  if (end === 'ABORTED') return 'cancelled';
  return end === 'TIMED_OUT' ? 'timed-out' : 'failed';
}
