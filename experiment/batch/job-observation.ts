import type { JobDetail } from '@aws-sdk/client-batch';
import type { JobStatus } from '../records/observed-event.ts';

/** One attempt of the job as DescribeJobs tells it. */
export interface ObservedAttempt {
  exitCode?: number | undefined;
  /** `attempts[].statusReason`: "Essential container in task exited", "Host EC2 (instance i-0) terminated.", … */
  statusReason?: string | undefined;
  /** `attempts[].container.reason` (or of `taskProperties[].containers[]`): "OutOfMemoryError: …", … */
  containerReason?: string | undefined;
}

interface JobAttempt extends ObservedAttempt {
  /** Milliseconds since the epoch. */
  startedAt?: number | undefined;
  stoppedAt?: number | undefined;
}

/** What matters of a multi-node job. Times in milliseconds since the epoch. */
export interface JobObservation {
  id: string;
  name: string;
  status: JobStatus;
  statusReason?: string | undefined;
  createdAt?: number | undefined;
  startedAt?: number | undefined;
  stoppedAt?: number | undefined;
  /** Those that were started, oldest first. */
  attempts: readonly JobAttempt[];
  /** From 1: the attempt under way, or the last one. */
  attempt: number;
  /** Of the last attempt. */
  exitCode?: number | undefined;
  isTerminated: boolean;
  tags: Readonly<Record<string, string>>;
}

const STATUSES: readonly JobStatus[] = [
  'SUBMITTED',
  'PENDING',
  'RUNNABLE',
  'STARTING',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
];

/**
 * Reads one entry of DescribeJobs. A multi-node parent has no `container`; its exit code is in `attempts`, whose
 * containers lie in one of two places. Fields that this does not know are left alone.
 * @returns undefined for an entry without id, name or a known state
 */
export function observeJob(detail: JobDetail): JobObservation | undefined {
  const status = STATUSES.find((known) => known === detail.status);
  if (detail.jobId === undefined || detail.jobName === undefined || status === undefined) return undefined;
  const attempts = (detail.attempts ?? []).map(readAttempt);
  const last = attempts.at(-1);
  const over = isOver(status);
  const underWay = last !== undefined && last.stoppedAt === undefined;
  return {
    id: detail.jobId,
    name: detail.jobName,
    status,
    statusReason: detail.statusReason,
    createdAt: moment(detail.createdAt),
    startedAt: moment(detail.startedAt),
    stoppedAt: moment(detail.stoppedAt),
    attempts,
    // Whether Batch lists an attempt that still runs is not documented: both are right here.
    attempt: Math.max(1, over || underWay ? attempts.length : attempts.length + 1),
    exitCode: over ? (last?.exitCode ?? detail.container?.exitCode) : undefined,
    isTerminated: detail.isTerminated === true || detail.isCancelled === true,
    tags: detail.tags ?? {},
  };
}

/** True for SUCCEEDED and FAILED. */
export function isOver(status: JobStatus): boolean {
  return status === 'SUCCEEDED' || status === 'FAILED';
}

/** When the attempt under way, or the last one, was started. */
export function startOfAttempt({ attempts, attempt, startedAt }: JobObservation): number | undefined {
  return attempts[attempt - 1]?.startedAt ?? startedAt;
}

/** Since when the attempt under way waits for its machines. */
export function queuedSince(job: JobObservation): number | undefined {
  if (!['SUBMITTED', 'PENDING', 'RUNNABLE'].includes(job.status)) return undefined;
  return job.attempts.at(-1)?.stoppedAt ?? job.createdAt;
}

type AttemptDetail = NonNullable<JobDetail['attempts']>[number];

function readAttempt(attempt: AttemptDetail): JobAttempt {
  const container = attempt.container ?? attempt.taskProperties?.[0]?.containers?.[0];
  return {
    exitCode: container?.exitCode,
    statusReason: attempt.statusReason,
    containerReason: container?.reason,
    startedAt: moment(attempt.startedAt),
    stoppedAt: moment(attempt.stoppedAt),
  };
}

/** Batch says 0 for a time that has not come. */
function moment(at: number | undefined): number | undefined {
  return at === undefined || at <= 0 ? undefined : at;
}
