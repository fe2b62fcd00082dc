import type { JobStatus, SubmitJobCommandInput } from '@aws-sdk/client-batch';
import type { JobDefinition } from './job-definition.ts';
import type { JobRequest } from './job-request.ts';

/** One attempt, as DescribeJobs tells it. Times in milliseconds since the epoch. */
export interface Attempt {
  startedAt?: number;
  stoppedAt?: number;
  statusReason?: string;
  exitCode?: number;
  reason?: string;
  logStreamName: string;
}

export interface ChildJob {
  index: number;
  status: JobStatus;
  createdAt: number;
  startedAt?: number;
  stoppedAt?: number;
  exitCode?: number;
  reason?: string;
  logStreamName: string;
}

/** Everything Batch knows of one multi-node job. */
export interface Job {
  id: string;
  arn: string;
  name: string;
  queue: string;
  definition: JobDefinition;
  input: SubmitJobCommandInput;
  request: JobRequest;
  status: JobStatus;
  statusReason?: string;
  createdAt: number;
  startedAt?: number;
  stoppedAt?: number;
  attempts: Attempt[];
  children: ChildJob[];
  /** Set by TerminateJob or CancelJob: the reason given. */
  terminated?: string;
  /** Aborts when the job is told to end. */
  ending: AbortController;
}

/** True for SUCCEEDED and FAILED. */
export function isOver(job: Job): boolean {
  return job.status === 'SUCCEEDED' || job.status === 'FAILED';
}
