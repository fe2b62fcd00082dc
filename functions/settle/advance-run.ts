import { isFromAws, isRefused } from '../../aws/errors.ts';
import type { Control } from '../../experiment/records/control.ts';
import { withJob, withoutSubmission, withStop } from '../../experiment/records/control.ts';
import type { ObservedEvent } from '../../experiment/records/observed-event.ts';
import type { RunView, Step } from '../../experiment/run/next-step.ts';
import { nextStep } from '../../experiment/run/next-step.ts';
import { eventsOf } from '../../experiment/status/observed-events.ts';
import { stuckIn } from '../../experiment/status/stuck.ts';
import { UnknownRecord } from '../../experiment/util/errors.ts';
import type { FunctionDeps } from '../deps.ts';
import { hasUntold, newsOf } from '../notify/notify.ts';
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

/** One call of settle at one run. */
export interface Visit {
  deps: FunctionDeps;
  runId: string;
  stores: RunStores;
  known: Knowledge;
  /** Jobs that this call has told Batch to terminate; it may take a while to show. */
  terminated: Set<string>;
  /** What every look showed, to be written down once the run is moved on. */
  seen: ObservedEvent[];
  /** It was, in this call. */
  hasWritten: boolean;
  steps: number;
}

/** How a run stands, and what is next: nothing that settle can do now, or what nobody's end may wait for. */
export interface Standing {
  view: RunView;
  step: Step;
}

/** @param jobIds of jobs that somebody named: each is looked at, none is believed */
export function visitRun(deps: FunctionDeps, runId: string, jobIds: readonly string[] = []): Visit {
  return {
    deps,
    runId,
    stores: storesOf(deps, runId),
    known: { jobIds: new Set(jobIds), lookedUp: false, plan: undefined },
    terminated: new Set(),
    seen: [],
    hasWritten: false,
    steps: 0,
  };
}

/**
 * Moves a run on: looks at its record, its execution and its jobs, takes the one legal step, and looks again, until there
 * is nothing to do but to collect or to tell. Any number of copies may do so at once. What a run's tasks wrote is read up
 * to a bound and decides nothing here, so that none of it keeps a run from its end.
 * @returns undefined where there is no such run
 * @throws the errors of AWS' clients, ControlConflict, UnknownRecord, RunIdCollision
 */
export async function advance(visit: Visit): Promise<Standing | undefined> {
  const { deps, runId, stores, known } = visit;
  for (;;) {
    const stored = await stores.control.read();
    if (stored === undefined) return undefined;
    const { control } = stored;
    const look = await lookAtRun(deps, stores.records, control, known);
    const isClosed = control.closedAt !== undefined;
    if (!isClosed) visit.seen.push(...eventsOf(look), ...stuckIn(look));
    let view = { ...look, isUntold: !isClosed && hasUntold(deps, newsOf(look, undefined)) };
    let step = nextStep(view);
    if (step.do === 'close') {
      // States that the run has left since stand only in its status. One that nobody may read holds up nothing; where AWS
      // does not answer, the run is closed in a minute.
      const status = await stores.records.status().catch((error: unknown) => {
        if (isFromAws(error) && !isRefused(error)) throw error;
        return undefined;
      });
      view = { ...look, isUntold: hasUntold(deps, newsOf(look, status)) };
      step = nextStep(view);
    }
    if (step.do === 'nothing') return { view, step };
    deps.logger.info('Run:Step', { runId, ...step });
    visit.steps += 1;
    if (visit.steps === MAX_STEPS) deps.logger.warn('Run:StepsUsedUp', { runId, step: step.do });
    if (step.do === 'collect' || step.do === 'tell') return { view, step };
    const goesOn = await perform(visit, view, step);
    if (!goesOn || visit.steps >= MAX_STEPS) return { view, step };
  }
}

/** @returns whether the run is to be looked at again now */
async function perform(
  visit: Visit,
  view: RunView,
  step: Exclude<Step, { do: 'nothing' | 'collect' | 'tell' }>,
): Promise<boolean> {
  const { deps, runId, stores, known, terminated } = visit;
  const { control } = view;
  const change = (how: (control: Control) => Control) => changeIf(stores, view, step.do, how);
  switch (step.do) {
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
      await change((now) => withJob(now, step.jobId, view.now));
      return true;
    case 'forget-submission':
      await change(withoutSubmission);
      return true;
    case 'mark-end':
      await change((now) => withStop(now, step.stop));
      return true;
    case 'give-ownership':
      // Attempt 0 is under every attempt of Batch's, so node 0 of this job takes it over and a node 0 of any other does
      // not: the fence is closed before the duplicate is killed, never while it slips through.
      if (control.job !== undefined)
        await stores.records.giveTo({ jobId: control.job.id, attempt: 0, nonce: deps.nonce() });
      return true;
    case 'terminate':
      if (terminated.has(step.jobId)) return false;
      terminated.add(step.jobId);
      await terminateJob(deps, runId, step.jobId, step.reason);
      return true;
    case 'complete-token':
      await completeToken(deps, runId, control.token?.value ?? '', control.job?.id);
      return false;
    case 'close': {
      const standing = await change(({ token: _, ...now }) => ({ ...now, closedAt: view.now }));
      // Another copy may have moved it on meanwhile: without its mark nobody would look at it again.
      if (standing?.closedAt === undefined) return true;
      await stores.control.forgetOpen();
      return false;
    }
  }
}

/** A change that is still the next step when the record has become another one meanwhile. */
async function changeIf(
  { control }: RunStores,
  view: RunView,
  wanted: Step['do'],
  how: (control: Control) => Control,
): Promise<Control | undefined> {
  return control.change((now) => (nextStep({ ...view, control: now }).do === wanted ? how(now) : undefined));
}

async function planOf(records: RunRecords, { runId, planSha256 }: Control) {
  const plan = await records.plan(planSha256);
  if (plan === undefined) throw new UnknownRecord(`the run ${runId} has no plan: its folder was deleted`);
  return plan;
}
