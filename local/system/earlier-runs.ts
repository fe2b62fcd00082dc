import type { JobDetail } from '@aws-sdk/client-batch';
import type { DescribeExecutionCommandOutput } from '@aws-sdk/client-sfn';
import { ExecutionDoesNotExist } from '@aws-sdk/client-sfn';
import type { Bucket } from '../../aws/bucket.ts';
import type { BatchPort, StatesPort } from '../../aws/ports.ts';
import type { Control } from '../../experiment/records/control.ts';
import { cancellationCause } from '../../experiment/run/cancellation.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import type { MakeNonce } from '../../experiment/util/clock.ts';
import { ControlStore, openRuns } from '../../functions/stores/control-store.ts';

/**
 * Runs that were under way when an earlier local system in this folder was killed. Their executions and jobs died with
 * it, which AWS would tell as ABORTED and FAILED: told the same here, settle ends these runs as any other.
 */
export type EarlierRuns = readonly Pick<Control, 'runId' | 'job' | 'jobNonce'>[];

const WHY = 'the local system was ended before the run was';

export async function findEarlierRuns(bucket: Bucket, nonce: MakeNonce): Promise<EarlierRuns> {
  const open = await openRuns(bucket);
  // A record that cannot be read is settle's to complain of.
  const found = await Promise.all(
    open.map(({ runId }) => new ControlStore(bucket, nonce, runId).read().catch(() => undefined)),
  );
  return found.flatMap((stored) => (stored === undefined ? [] : [stored.control]));
}

/** The same port, which knows the executions of earlier runs. */
export function withEarlierExecutions(
  states: StatesPort,
  stateMachineArn: string,
  runs: EarlierRuns,
): StatesPort {
  const aborted = new Set(runs.map(({ runId }) => executionArn(stateMachineArn, runId)));
  return {
    ...states,
    describeExecution: async (input) => {
      try {
        return await states.describeExecution(input);
      } catch (error) {
        const { executionArn: arn = '' } = input;
        if (!(error instanceof ExecutionDoesNotExist) || !aborted.has(arn)) throw error;
        return abortedExecution(arn, stateMachineArn);
      }
    },
  };
}

/** The same port, which knows the jobs of earlier runs. @param now when they were found to be dead */
export function withEarlierJobs(batch: BatchPort, runs: EarlierRuns, now: number): BatchPort {
  const dead = new Map(
    runs.flatMap((run) => (run.job === undefined ? [] : [[run.job.id, deadJob(run, now)]])),
  );
  return {
    ...batch,
    describeJobs: async (input) => {
      const { jobs = [], $metadata } = await batch.describeJobs(input);
      return { $metadata, jobs: [...jobs, ...(input.jobs ?? []).flatMap((id) => dead.get(id) ?? [])] };
    },
  };
}

function abortedExecution(arn: string, stateMachineArn: string): DescribeExecutionCommandOutput {
  return {
    executionArn: arn,
    stateMachineArn,
    name: arn.split(':').at(-1),
    status: 'ABORTED',
    startDate: new Date(0),
    stopDate: new Date(0),
    error: 'LocalSystemEnded',
    cause: cancellationCause({
      by: 'the end of the local system',
      reason: 'its nodes were ended before the run had',
    }),
    $metadata: { httpStatusCode: 200 },
  };
}

/** It was at work after `knownSince`, nobody knows how long: no time is counted, and its end comes last. */
function deadJob({ runId, job, jobNonce }: EarlierRuns[number], now: number): JobDetail {
  return {
    jobId: job?.id,
    jobName: runId,
    jobQueue: 'local',
    jobDefinition: 'sierra-batch',
    status: 'FAILED',
    statusReason: WHY,
    createdAt: job?.knownSince ?? 0,
    startedAt: now,
    stoppedAt: now,
    attempts: [],
    tags: { nonce: jobNonce },
  };
}
