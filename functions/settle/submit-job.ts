import type { SubmitJobCommandInput } from '@aws-sdk/client-batch';
import { isRefused, isThrottled, messageOf, nameOf } from '../../aws/errors.ts';
import { submitJobRequest } from '../../experiment/batch/submit-request.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { Control, Stop } from '../../experiment/records/control.ts';
import { withJob, withoutSubmission, withStop, withSubmission } from '../../experiment/records/control.ts';
import { UnknownRecord } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import type { ControlStore } from '../stores/control-store.ts';
import { jobDefinitionFor } from './job-definition.ts';

/**
 * Longer than the claim and all tries of SubmitJob can take, with their waits and the clients' time limits: no call of a
 * killed function is still under way when the lease is over.
 */
const LEASE_MS = 180_000;
const THROTTLE_TRIES = 4;

/**
 * Submits the run's job. SubmitJob is not idempotent and an error does not say that nothing was done: so the intent is
 * written first, with a lease, and whoever finds it later looks the job up before it submits again. Only an answer that
 * AWS took nothing (a throttle, a refusal) ends the intent at once.
 * @returns the new job's id, or undefined when there is none to be known yet
 */
export async function submitJob(
  deps: FunctionDeps,
  store: ControlStore,
  control: Control,
  plan: Plan,
): Promise<string | undefined> {
  const { runId } = control;
  const nonce = deps.nonce();
  const jobDefinition = await definitionOrEnd(deps, store, plan);
  if (jobDefinition === undefined) return undefined;
  const taken = await store.change((now) =>
    mayStillSubmit(now, nonce, deps.clock.now())
      ? withSubmission(now, nonce, deps.clock.now() + LEASE_MS)
      : undefined,
  );
  if (taken?.submitting?.nonce !== nonce) return undefined;
  const request = submitJobRequest(
    plan,
    { ...deps.deployment, jobDefinition },
    { nonce: taken.jobNonce, planSha256: taken.planSha256 },
  );
  const jobId = await trySubmit(deps, store, runId, request, nonce);
  if (jobId === undefined) return undefined;
  deps.metrics.count('JobSubmitted');
  deps.logger.info('Job:Submitted', { runId, jobId });
  await store.change((now) => (now.job === undefined ? withJob(now, jobId, deps.clock.now()) : undefined));
  return jobId;
}

/** Nothing was submitted yet: what may be tried again is thrown, and a definition that Batch will never take ends the run. */
async function definitionOrEnd(
  deps: FunctionDeps,
  store: ControlStore,
  plan: Plan,
): Promise<string | undefined> {
  try {
    return await jobDefinitionFor(deps, plan);
  } catch (error) {
    if (!isRefused(error) && !(error instanceof UnknownRecord)) throw error;
    const { runId } = plan;
    deps.logger.warn('JobDefinition:Refused', { runId, error: nameOf(error), said: messageOf(error) });
    const now = deps.clock.now();
    await store.change((control) =>
      mayStillSubmit(control, '', now)
        ? withStop(withoutSubmission(control), refusedBy(error, now))
        : undefined,
    );
    return undefined;
  }
}

function refusedBy(error: unknown, at: number): Stop {
  return { at, cause: 'failed', because: 'submit-refused', why: `AWS Batch says: ${messageOf(error)}` };
}

function mayStillSubmit(control: Control, nonce: string, now: number): boolean {
  const { job, stop, ended, closedAt, submitting } = control;
  if (job !== undefined || stop !== undefined || ended !== undefined || closedAt !== undefined) return false;
  return submitting === undefined || (submitting.nonce !== nonce && submitting.leaseUntil <= now);
}

async function trySubmit(
  deps: FunctionDeps,
  store: ControlStore,
  runId: string,
  request: SubmitJobCommandInput,
  nonce: string,
): Promise<string | undefined> {
  for (let tried = 1; ; tried += 1) {
    try {
      return (await deps.batch.submitJob(request)).jobId;
    } catch (error) {
      const fields = { runId, error: nameOf(error), said: messageOf(error) };
      const ours = (control: Control) => control.submitting?.nonce === nonce;
      if (isRefused(error)) {
        deps.logger.warn('Job:Refused', fields);
        const stop = refusedBy(error, deps.clock.now());
        await store.change((now) => (ours(now) ? withStop(withoutSubmission(now), stop) : undefined));
        return undefined;
      }
      if (!isThrottled(error)) {
        // Whether there is a job now is unknown until the lease is over and Batch is asked.
        deps.logger.warn('Job:SubmissionUnknown', fields);
        return undefined;
      }
      deps.logger.warn('Job:SubmissionThrottled', fields);
      if (tried === THROTTLE_TRIES) {
        await store.change((now) => (ours(now) ? withoutSubmission(now) : undefined));
        return undefined;
      }
      await deps.clock.sleep(500 * 2 ** tried);
    }
  }
}
