import type { JobDetail, JobSummary } from '@aws-sdk/client-batch';
import { defined } from '../../../experiment/util/defined.ts';
import type { Attempt, ChildJob, Job } from './job.ts';

/** DescribeJobs' answer for the parent: it has `nodeProperties` and no `container`. */
export function parentDetail(job: Job): JobDetail {
  return {
    ...identity(job, job.id, job.arn),
    status: job.status,
    ...defined({
      statusReason: job.statusReason,
      startedAt: job.startedAt,
      stoppedAt: job.stoppedAt,
      timeout: job.input.timeout,
      retryStrategy: job.input.retryStrategy,
      tags: job.input.tags,
      shareIdentifier: job.input.shareIdentifier,
      schedulingPriority: job.input.schedulingPriorityOverride ?? job.definition.input.schedulingPriority,
    }),
    startedAt: job.startedAt,
    attempts: job.attempts.map(attemptDetail),
    nodeProperties: { ...job.definition.nodes, numNodes: job.request.numNodes },
    isTerminated: job.terminated !== undefined,
    isCancelled: false,
  };
}

/** DescribeJobs' answer for `<job id>#<node>`: it has `container` and `nodeDetails`. */
export function childDetail(job: Job, child: ChildJob): JobDetail {
  const statusReason = child.stoppedAt === undefined ? undefined : 'Essential container in task exited';
  return {
    ...identity(job, `${job.id}#${child.index}`, `${job.arn}#${child.index}`),
    createdAt: child.createdAt,
    status: child.status,
    startedAt: child.startedAt,
    ...defined({ stoppedAt: child.stoppedAt, statusReason }),
    attempts:
      child.stoppedAt === undefined ? [] : [attemptDetail({ ...child, ...defined({ statusReason }) })],
    container: defined({
      exitCode: child.exitCode,
      reason: child.reason,
      logStreamName: child.logStreamName,
      ...(child.startedAt === undefined ? {} : ecsNames(job, child.index)),
    }),
    nodeDetails: { nodeIndex: child.index, isMainNode: child.index === job.request.mainNode },
  };
}

/** The task in ECS and the instance that it is on, by the node's name. */
function ecsNames({ id, arn, attempts, status }: Job, index: number) {
  const ecs = arn.replace(':batch:', ':ecs:').replace(/job\/.*/, '');
  const attempt = attempts.length + (status === 'RUNNING' ? 1 : 0);
  const name = `local/${id}-${attempt}-${index}`;
  return { taskArn: `${ecs}task/${name}`, containerInstanceArn: `${ecs}container-instance/${name}` };
}

/** One entry of ListJobs. */
export function jobSummary(job: Job): JobSummary {
  return {
    jobId: job.id,
    jobArn: job.arn,
    jobName: job.name,
    status: job.status,
    createdAt: job.createdAt,
    ...defined({ statusReason: job.statusReason, startedAt: job.startedAt, stoppedAt: job.stoppedAt }),
    nodeProperties: { numNodes: job.request.numNodes },
  };
}

/** One entry of ListJobs by `multiNodeJobId`. */
export function childSummary(job: Job, child: ChildJob): JobSummary {
  return {
    jobId: `${job.id}#${child.index}`,
    jobArn: `${job.arn}#${child.index}`,
    jobName: job.name,
    status: child.status,
    createdAt: child.createdAt,
    ...defined({ startedAt: child.startedAt, stoppedAt: child.stoppedAt }),
    container: defined({ exitCode: child.exitCode, reason: child.reason }),
    nodeProperties: {
      isMainNode: child.index === job.request.mainNode,
      nodeIndex: child.index,
      numNodes: job.request.numNodes,
    },
  };
}

function identity(job: Job, jobId: string, jobArn: string) {
  return {
    jobId,
    jobArn,
    jobName: job.name,
    jobQueue: job.queue,
    jobDefinition: job.definition.arn,
    createdAt: job.createdAt,
    parameters: {},
    dependsOn: [],
  };
}

function attemptDetail(attempt: Attempt) {
  return defined({
    container: defined({
      exitCode: attempt.exitCode,
      reason: attempt.reason,
      logStreamName: attempt.logStreamName,
    }),
    startedAt: attempt.startedAt,
    stoppedAt: attempt.stoppedAt,
    statusReason: attempt.statusReason,
  });
}
