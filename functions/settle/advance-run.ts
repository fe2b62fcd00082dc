import { messageOf, nameOf } from '../../aws/errors.ts';
import type { Control } from '../../experiment/records/control.ts';
import { withJob, withoutSubmission, withStop } from '../../experiment/records/control.ts';
import type { RunView, Step } from '../../experiment/run/next-step.ts';
import { nextStep } from '../../experiment/run/next-step.ts';
import { eventsOf } from '../../experiment/status/observed-events.ts';
import { stuckIn } from '../../experiment/status/stuck.ts';
import { UnknownRecord } from '../../experiment/util/errors.ts';
import { collectRun } from '../collect/records.ts';
import type { FunctionDeps } from '../deps.ts';
import type { RunNews } from '../notify/notify.ts';
import { hasUntold, tellRun } from '../notify/notify.ts';
import { findJobIds, terminateJob } from '../stores/batch-jobs.ts';
import { completeToken, startExecution } from '../stores/executions.ts';
import type { RunRecords } from '../stores/run-records.ts';
import type { RunStores } from '../stores/run-stores.ts';
import { storesOf } from '../stores/run-stores.ts';
import type { Knowledge } from './observe-run.ts';
import { lookAtRun } from './observe-run.ts';
import { submitJob } from './submit-job.ts';

/** More steps than any course of a run needs in one call; the schedule goes on from where this stops. */
const MAX_STEPS = 16;

/**
 * Moves a run on: looks at its record, its execution and its jobs, takes the one legal step, and looks again, until there
 * is nothing to do. Any number of copies may do so at once.
 * @param jobIds of jobs that somebody named: each is looked at, none is believed
 * @returns the last look, or undefined where there is no such run
 * @throws the errors of AWS' clients, ControlConflict, UnknownRecord, RunIdCollision
 */
export async function settleRun(
  deps: FunctionDeps,
  runId: string,
  jobIds: readonly string[] = [],
): Promise<RunView | undefined> {
  const stores = storesOf(deps, runId);
  const known: Knowledge = { jobIds: new Set(jobIds), lookedUp: false, plan: undefined };
  const terminated = new Set<string>();
  for (let steps = 1; ; steps += 1) {
    const stored = await stores.control.read();
    if (stored === undefined) return undefined;
    const { control } = stored;
    const look = await lookAtRun(deps, stores.records, control, known);
    const isClosed = control.closedAt !== undefined;
    const status = isClosed ? undefined : await stores.records.observe([...eventsOf(look), ...stuckIn(look)]);
    const news: RunNews = { control: withoutOpenEnd(look), status, plan: known.plan };
    const view: RunView = { ...look, isUntold: !isClosed && hasUntold(deps, news) };
    const step = nextStep(view);
    if (step.do !== 'nothing') deps.logger.info('Run:Step', { runId, ...step });
    if (steps === MAX_STEPS) deps.logger.warn('Run:StepsUsedUp', { runId, step: step.do });
    const goesOn = await perform({ deps, stores, view, known, terminated, news }, step);
    if (goesOn && steps < MAX_STEPS) continue;
    if (view.isUntold && step.do !== 'tell') await tellQuietly(deps, stores, news);
    return view;
  }
}

/** While the execution runs it may still have another word to say of what the run came to. */
function withoutOpenEnd({ control, execution }: RunView): Control {
  return execution?.status === 'RUNNING' ? { ...control, ended: undefined } : control;
}

/** Nobody being told must keep no run from going on: it is tried again in a minute. */
async function tellQuietly(deps: FunctionDeps, stores: RunStores, news: RunNews): Promise<boolean> {
  try {
    return await tellRun(deps, stores, news);
  } catch (error) {
    const { runId } = news.control;
    deps.metrics.count('NotTold');
    deps.logger.error('Run:NotTold', { runId, error: nameOf(error), said: messageOf(error) });
    return false;
  }
}

interface StepContext {
  deps: FunctionDeps;
  stores: RunStores;
  view: RunView;
  known: Knowledge;
  news: RunNews;
  /** Jobs that this call has told Batch to terminate; it may take a while to show. */
  terminated: Set<string>;
}

/** @returns whether the run is to be looked at again now */
async function perform(context: StepContext, step: Step): Promise<boolean> {
  const { deps, stores, view, known } = context;
  const { control } = view;
  const { runId } = control;
  switch (step.do) {
    case 'nothing':
      return false;
    case 'start-execution':
      await startExecution(deps, await planOf(stores.records, control));
      return false;
    case 'submit': {
      const jobId = await submitJob(deps, stores.control, control, await planOf(stores.records, control));
      if (jobId !== undefined) known.jobIds.add(jobId);
      // A refusal has told the run to end: that is the next step, now and not in a minute.
      return jobId !== undefined || (await stores.control.read())?.control.stop !== undefined;
    }
    case 'look-up':
      for (const id of await findJobIds(deps, runId)) known.jobIds.add(id);
      known.lookedUp = true;
      return true;
    case 'follow':
      await changeIf(context, 'follow', (now) => withJob(now, step.jobId, view.now));
      return true;
    case 'forget-submission':
      await changeIf(context, 'forget-submission', withoutSubmission);
      return true;
    case 'mark-end':
      await changeIf(context, 'mark-end', (now) => withStop(now, step.stop));
      return true;
    case 'give-ownership':
      await giveOwnership(context);
      return true;
    case 'terminate':
      if (context.terminated.has(step.jobId)) return false;
      context.terminated.add(step.jobId);
      await terminateJob(deps, runId, step.jobId, step.reason);
      return true;
    case 'complete-token':
      await completeToken(deps, runId, control.token?.value ?? '', control.job?.id);
      return false;
    case 'collect':
      await collectRun(deps, runId);
      return true;
    case 'tell':
      return tellQuietly(deps, stores, context.news);
    case 'close':
      await changeIf(context, 'close', ({ token: _, ...now }) => ({ ...now, closedAt: view.now }));
      await stores.control.forgetOpen();
      return false;
  }
}

/** A change that is still the next step when the record has become another one meanwhile. */
async function changeIf(
  { stores, view }: StepContext,
  wanted: Step['do'],
  change: (control: Control) => Control,
): Promise<void> {
  await stores.control.change((now) =>
    nextStep({ ...view, control: now }).do === wanted ? change(now) : undefined,
  );
}

/**
 * Attempt 0 is under every attempt of Batch's, so node 0 of this job takes it over and a node 0 of any other does not: the
 * fence is closed before the duplicate is killed, never while it slips through.
 */
async function giveOwnership({ stores, view, deps }: StepContext): Promise<void> {
  const { job } = view.control;
  if (job === undefined) return;
  await stores.records.giveTo({ jobId: job.id, attempt: 0, nonce: deps.nonce() });
}

async function planOf(records: RunRecords, { runId, planSha256 }: Control) {
  const plan = await records.plan(planSha256);
  if (plan === undefined) throw new UnknownRecord(`the run ${runId} has no plan: its folder was deleted`);
  return plan;
}
