import type { SubmitJobCommandInput } from '@aws-sdk/client-batch';
import { clientError } from './client-error.ts';
import type { Job } from './job.ts';
import type { JobDefinition } from './job-definition.ts';

export interface JobQueue {
  name: string;
  arn: string;
  maxvCpus: number;
  /** Whether it has a scheduling policy; without one it is first in, first out. */
  fairShare?: boolean;
}

const MAX_ACTIVE = 500;
/** As template.yaml's scheduling policy has it: so long a share counts as active after its last job. */
const DECAY_MS = 3_600_000;

/**
 * What SubmitJob asks of share and priority: both in a fair-share queue, where a definition's priority counts as well, and
 * neither in another. @param jobs all there ever were @throws ClientException
 */
export function checkShare(
  input: SubmitJobCommandInput,
  definition: JobDefinition,
  queue: JobQueue,
  jobs: Iterable<Job>,
  now: number,
): void {
  const { shareIdentifier: share } = input;
  const priority = input.schedulingPriorityOverride ?? definition.input.schedulingPriority;
  if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= 9999))
    throw clientError('schedulingPriority: 0 to 9,999');
  if (queue.fairShare !== true) {
    if (share !== undefined || priority !== undefined)
      throw clientError('shareIdentifier and schedulingPriority: the job queue has no scheduling policy');
    return;
  }
  if (share === undefined) throw clientError('shareIdentifier must be specified.');
  if (!/^[A-Za-z0-9]{1,255}\*?$/.test(share))
    throw clientError('shareIdentifier: up to 255 alphanumeric characters');
  if (priority === undefined)
    throw clientError(
      'Either schedulingPriority in job definition or schedulingPriorityOverride should be specified',
    );
  const active = new Set<string | undefined>();
  for (const job of jobs)
    if (job.queue === queue.arn && (job.stoppedAt === undefined || now - job.stoppedAt < DECAY_MS))
      active.add(job.input.shareIdentifier);
  if (active.size >= MAX_ACTIVE && !active.has(share))
    throw clientError(
      `Job queues with a scheduling policy are limited to ${MAX_ACTIVE} active share identifiers at a time.`,
    );
}
