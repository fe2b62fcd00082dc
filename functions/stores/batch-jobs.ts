import type { ListJobsCommandInput } from '@aws-sdk/client-batch';
import { paginate } from '../../aws/paginate.ts';
import type { JobObservation } from '../../experiment/batch/job-observation.ts';
import { observeJob } from '../../experiment/batch/job-observation.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import type { Control } from '../../experiment/records/control.ts';
import type { FunctionDeps } from '../deps.ts';

type BatchDeps = Pick<FunctionDeps, 'batch' | 'deployment'>;

/** AWS describes up to 100 jobs a call. */
const AT_ONCE = 100;
const LIVE = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const;

/** Those of the jobs that Batch still knows and that were submitted for this very run. */
export async function describeJobs(
  { batch }: Pick<FunctionDeps, 'batch'>,
  { runId, jobNonce }: Pick<Control, 'runId' | 'jobNonce'>,
  ids: readonly string[],
): Promise<JobObservation[]> {
  const found: JobObservation[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const { jobs = [] } = await batch.describeJobs({ jobs: ids.slice(from, from + AT_ONCE) });
    for (const detail of jobs) {
      const job = observeJob(detail);
      if (job?.name === runId && Object.values(job.tags).includes(jobNonce)) found.push(job);
    }
  }
  return found;
}

/** Ids of every job of this name, in any queue of the deployment and any state. Batch ignores letter case, we do not. */
export async function findJobIds(deps: BatchDeps, runId: string): Promise<string[]> {
  const ids: string[] = [];
  for (const { arn } of Object.values(deps.deployment.queues)) {
    const byName = { jobQueue: arn, filters: [{ name: 'JOB_NAME', values: [runId] }] };
    for await (const { id, name } of listJobs(deps, byName)) if (name === runId) ids.push(id);
  }
  return ids;
}

/** The jobs that live in the deployment's queues, by the run they are named after. */
export async function liveJobIds(deps: BatchDeps): Promise<Map<string, string[]>> {
  const byRun = new Map<string, string[]>();
  for (const { arn } of Object.values(deps.deployment.queues)) {
    for (const jobStatus of LIVE) {
      for await (const { id, name } of listJobs(deps, { jobQueue: arn, jobStatus }))
        if (isRunId(name)) byRun.set(name, [...(byRun.get(name) ?? []), id]);
    }
  }
  return byRun;
}

async function* listJobs(
  { batch }: Pick<FunctionDeps, 'batch'>,
  input: ListJobsCommandInput,
): AsyncGenerator<{ id: string; name: string }> {
  const pages = paginate(
    (nextToken) => batch.listJobs({ ...input, nextToken }),
    (page) => page.nextToken,
  );
  for await (const { jobSummaryList = [] } of pages)
    for (const { jobId: id, jobName: name } of jobSummaryList)
      if (id !== undefined && name !== undefined) yield { id, name };
}

/** TerminateJob works in every state; CancelJob would do nothing, silently, from STARTING on. */
export async function terminateJob(
  { batch, logger, metrics }: Pick<FunctionDeps, 'batch' | 'logger' | 'metrics'>,
  runId: string,
  jobId: string,
  reason: string,
): Promise<void> {
  await batch.terminateJob({ jobId, reason: reason.slice(0, 256).toWellFormed() });
  metrics.count('JobTerminated');
  logger.info('Job:Terminated', { runId, jobId, reason });
}
