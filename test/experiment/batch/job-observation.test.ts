import type { JobDetail } from '@aws-sdk/client-batch';
import { describe, expect, it } from 'vitest';
import type { JobObservation } from '../../../experiment/batch/job-observation.ts';
import {
  isOver,
  observeJob,
  queuedSince,
  startOfAttempt,
} from '../../../experiment/batch/job-observation.ts';
import { DESCRIBED } from '../../fixtures/recorded-answers.ts';

const ALL = Object.entries(DESCRIBED).flatMap(([asked, { jobs }]) =>
  jobs.map((job): [asked: string, id: string, job: JobDetail] => [asked, job.jobId ?? '', job]),
);

/** The recorded job of this state that has several nodes. */
function multinode(state: string): JobObservation {
  const parent = DESCRIBED[state]?.jobs.find(({ nodeProperties }) => nodeProperties !== undefined);
  const job = parent && observeJob(parent);
  if (job === undefined) throw new Error(`no multi-node job is ${state}`);
  return job;
}

describe('what AWS Batch answered', () => {
  it.each(ALL)('is observed as it was: %s, %s', (_, id, job) => {
    const observed = observeJob(job);
    expect(observed).toMatchObject({
      id,
      name: job.jobName,
      status: job.status,
      statusReason: job.statusReason,
    });
    expect(observed?.startedAt).toBe(job.startedAt === 0 ? undefined : job.startedAt);
    expect(observed?.attempts.map(({ exitCode }) => exitCode)).toEqual(
      (job.attempts ?? []).map(({ container }) => container?.exitCode),
    );
    // An array's parent has no container of its own, and no attempt.
    const hasEnd = isOver(observed?.status ?? 'PENDING') && (job.attempts ?? []).length > 0;
    expect(observed?.exitCode === undefined).toBe(!hasEnd);
  });

  it('of a multi-node job that succeeded has main’s times and exit code, though it has no container', () => {
    const [parent] = DESCRIBED.single_mnp_job?.jobs ?? [];
    const [, main] = DESCRIBED.single_mnp_job_children?.jobs ?? [];
    expect(parent && observeJob(parent)).toMatchObject({
      status: 'SUCCEEDED',
      statusReason: 'Essential container in task exited',
      createdAt: 1_543_836_418_954,
      startedAt: main?.startedAt,
      stoppedAt: main?.stoppedAt,
      attempt: 1,
      exitCode: 0,
      isTerminated: false,
      tags: {},
    });
  });

  it('of a terminated one tells who ended it, and with which signal', () => {
    expect(multinode('FAILED')).toMatchObject({ statusReason: 'Terminated by the user', exitCode: 137 });
  });

  it('before its start tells since when it waits, and after it since when it runs', () => {
    expect([queuedSince(multinode('RUNNABLE')), startOfAttempt(multinode('RUNNABLE'))]).toEqual([
      1_543_502_756_194,
      undefined,
    ]);
    expect([queuedSince(multinode('RUNNING')), startOfAttempt(multinode('RUNNING'))]).toEqual([
      undefined,
      1_543_504_200_319,
    ]);
    expect(multinode('STARTING')).toMatchObject({ attempt: 1, exitCode: undefined, attempts: [] });
  });
});
