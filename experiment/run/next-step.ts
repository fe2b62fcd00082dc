import type { JobObservation } from '../batch/job-observation.ts';
import { isOver } from '../batch/job-observation.ts';
import type { Plan } from '../plan/plan.ts';
import type { Control, Stop } from '../records/control.ts';
import { mayWriteEnd, toldFrom } from '../records/control.ts';
import { EXIT } from '../records/exit-code.ts';
import type { Owner } from '../records/owner.ts';
import type { Progress } from '../records/progress.ts';
import type { ExecutionEnd } from './decide-outcome.ts';
import { agrees, causeOf } from './decide-outcome.ts';
import { limitReached } from './limits.ts';
import { errorMessage } from './stop-cause.ts';

/** All that settle looks at before it does one thing. */
export interface RunView {
  now: number;
  control: Control;
  execution: { status: 'RUNNING' | ExecutionEnd; cause?: string | undefined } | undefined;
  /** Jobs of this run that were described: the one in control, the owner, those an event or a list named. */
  jobs: readonly JobObservation[];
  /** Batch was asked for every job of this run's name. */
  lookedUp: boolean;
  owner: Owner | undefined;
  progress: Progress | undefined;
  /** When progress.json was last written, as S3 tells it; in milliseconds since the epoch. */
  heardAt: number | undefined;
  plan: Pick<Plan, 'cluster' | 'timeouts' | 'maxNodeHours' | 'notify'> | undefined;
  /** Somebody has not been told of what became of the run. */
  isUntold?: boolean;
}

/** The one thing to do next. After each the run is looked at again. */
export type Step =
  | { do: 'nothing'; because: string }
  | { do: 'start-execution' }
  | { do: 'submit' }
  | { do: 'look-up' }
  | { do: 'follow'; jobId: string }
  | { do: 'forget-submission' }
  | { do: 'mark-end'; stop: Stop }
  /** Writes owner.json for the job in control, so that the duplicate that is terminated next cannot have it. */
  | { do: 'give-ownership' }
  | { do: 'terminate'; jobId: string; reason: string }
  | { do: 'complete-token' }
  | { do: 'collect' }
  | { do: 'tell' }
  | { do: 'close' };

/** An execution that has not been started this long after the claim was forgotten by a killed ingest. */
const START_AFTER_MS = 60_000;
/** DescribeJobs may not know a new job yet; one it does not know after this has aged out. */
const UNKNOWN_FOR_MS = 5 * 60_000;
/** A run that nobody can be told of for three hours of tries is closed all the same: it may be gone on with. */
const TELL_FOR_MS = 3 * 3_600_000;

/**
 * From what is seen of a run to the one legal next step: pure, so that any copy of settle, at any time, decides alike.
 * The order of the questions is the order of what matters: an ended run stays ended, an ended execution ends the run, a
 * limit ends it, and only then does it go on.
 */
export function nextStep(view: RunView): Step {
  const { control } = view;
  if (control.closedAt !== undefined) return afterTheEnd(view);
  const stop = endWanted(view);
  if (stop !== undefined) return { do: 'mark-end', stop };
  return control.job === undefined ? withoutJob(view) : withJob(view, control.job);
}

/** True when the run was asked to end and nothing of it lives any more. */
export function isDead(view: RunView): boolean {
  const { control, jobs } = view;
  if (control.closedAt !== undefined) return true;
  if (control.submitting !== undefined || live(jobs).length > 0) return false;
  return control.job === undefined || jobs.some(({ id }) => id === control.job?.id) || isGone(view);
}

/**
 * True when the run's job came to its end before anybody told it to: what the job did is what the run came to. Of a job
 * that Batch has forgotten, node 0's last word tells it.
 */
export function endedByItself(view: RunView): boolean {
  const { control, jobs, progress } = view;
  const job = jobs.find(({ id }) => id === control.job?.id);
  if (job !== undefined) return isOver(job.status) && !isFencedOff(view, job);
  return control.job !== undefined && progress?.jobId === control.job.id && progress.phase === 'done';
}

/** A job that was submitted by a call whose answer came after the run had ended. */
function afterTheEnd({ jobs, control }: RunView): Step {
  const [straggler] = live(jobs).filter(({ isTerminated }) => !isTerminated);
  if (straggler === undefined) return { do: 'nothing', because: 'the run is closed' };
  return { do: 'terminate', jobId: straggler.id, reason: `the run ${control.runId} has ended` };
}

/** The execution's end has the last word: a run that was collected under another outcome is collected anew. */
function endWanted(view: RunView): Stop | undefined {
  const { control, execution, now } = view;
  if (execution === undefined || execution.status === 'RUNNING')
    return control.stop === undefined && control.ended === undefined ? limitReached(view) : undefined;
  const said = control.ended?.outcome ?? control.stop?.cause;
  if (execution.status === 'SUCCEEDED' || (said !== undefined && agrees(execution.status, said)))
    return undefined;
  const cause = causeOf(execution.status);
  return { at: now, cause, ...WORDS[cause](execution.cause) };
}

const WORDS: Record<Stop['cause'], (cause: string | undefined) => Pick<Stop, 'why' | 'because'>> = {
  cancelled: (cause) => ({ because: 'person', why: cause || 'the execution was stopped' }),
  'timed-out': (cause) => ({
    because: 'deadline',
    why: cause || 'the time limit of the execution was reached',
  }),
  failed: (cause) => ({
    because: 'execution-failed',
    why: errorMessage(cause ?? '') || 'the execution failed outside of its states',
  }),
};

function withoutJob(view: RunView): Step {
  const { control, execution, jobs, now } = view;
  const found = jobs.find(({ status }) => !isOver(status)) ?? jobs[0];
  if (found !== undefined) return { do: 'follow', jobId: found.id };
  if (control.submitting !== undefined) {
    if (now < control.submitting.leaseUntil)
      return { do: 'nothing', because: 'another copy is submitting the job' };
    if (!view.lookedUp) return { do: 'look-up' };
    return control.stop === undefined && execution?.status === 'RUNNING'
      ? withPlan(view, { do: 'submit' })
      : { do: 'forget-submission' };
  }
  if (control.stop !== undefined || execution?.status === 'SUCCEEDED') return finish(view);
  if (execution === undefined && now - control.acceptedAt >= START_AFTER_MS)
    return withPlan(view, { do: 'start-execution' });
  // Step Functions shows an execution a little late: one that has asked for its job is there.
  if (execution === undefined && control.token === undefined)
    return { do: 'nothing', because: 'ingest is about to start the execution' };
  return control.token === undefined
    ? { do: 'nothing', because: 'the state machine has not asked for the job yet' }
    : withPlan(view, { do: 'submit' });
}

/** Whoever deletes a run's folder before it has begun ends it: nobody knows any more what its job would do. */
function withPlan({ plan, now }: RunView, step: Step): Step {
  if (plan !== undefined) return step;
  const why = 'its plan.json was deleted or overwritten before the job was submitted';
  return { do: 'mark-end', stop: { at: now, cause: 'failed', because: 'execution-failed', why } };
}

function withJob(view: RunView, current: { id: string; knownSince: number }): Step {
  const { control, jobs, owner } = view;
  const ownersJob = owner === undefined ? undefined : jobs.find(({ id }) => id === owner.jobId);
  if (ownersJob !== undefined && mayBeFollowed(view, ownersJob)) return { do: 'follow', jobId: ownersJob.id };
  const duplicate = live(jobs).find(({ id, isTerminated }) => id !== current.id && !isTerminated);
  if (duplicate !== undefined) {
    if (owner === undefined) return { do: 'give-ownership' };
    return {
      do: 'terminate',
      jobId: duplicate.id,
      reason: `a duplicate: ${current.id} has the run ${control.runId}`,
    };
  }
  const job = jobs.find(({ id }) => id === current.id);
  if (job === undefined) {
    if (view.now - current.knownSince < UNKNOWN_FOR_MS)
      return { do: 'nothing', because: 'Batch does not know the new job yet' };
    return view.lookedUp ? finish(view) : { do: 'look-up' };
  }
  if (isOver(job.status))
    return isFencedOff(view, job) ? awaitOwner(view, job.stoppedAt ?? current.knownSince) : finish(view);
  if (control.stop === undefined) return { do: 'nothing', because: `the job is ${job.status}` };
  if (job.isTerminated) return { do: 'nothing', because: 'the job is being terminated' };
  return { do: 'terminate', jobId: job.id, reason: control.stop.why };
}

/**
 * Tasks can name any job of the run as its owner. One that was told to end, as a duplicate is, takes the run only from a job
 * that the fence kept out: where it does own the run, that is how the job in control ends.
 */
function mayBeFollowed(view: RunView, { id, isTerminated }: JobObservation): boolean {
  const { control, jobs } = view;
  if (id === control.job?.id) return false;
  return !isTerminated || jobs.some((job) => job.id === control.job?.id && isFencedOff(view, job));
}

/** The job ended because another one has the run. That never ends a run: the owner is followed, once Batch shows it. */
function isFencedOff({ owner }: RunView, job: JobObservation): boolean {
  return job.exitCode === EXIT.notOwner && owner !== undefined && owner.jobId !== job.id;
}

function awaitOwner(view: RunView, since: number): Step {
  if (!view.lookedUp) return { do: 'look-up' };
  if (view.now - since < UNKNOWN_FOR_MS)
    return { do: 'nothing', because: 'Batch does not show the job that has the run' };
  return finish(view);
}

/** Nothing of the run lives. */
function finish(view: RunView): Step {
  const { control, execution } = view;
  if (execution?.status === 'RUNNING')
    return control.token === undefined || control.ended !== undefined
      ? { do: 'nothing', because: 'the state machine goes on by itself' }
      : { do: 'complete-token' };
  // Whoever wrote it down may have been killed over it.
  if (control.ended === undefined || mayWriteEnd(control, view.now)) return { do: 'collect' };
  if (view.isUntold === true && view.now - toldFrom(control) < TELL_FOR_MS) return { do: 'tell' };
  return view.lookedUp ? { do: 'close' } : { do: 'look-up' };
}

function live(jobs: readonly JobObservation[]): JobObservation[] {
  return jobs.filter(({ status }) => !isOver(status));
}

function isGone({ control, now, lookedUp }: RunView): boolean {
  return lookedUp && control.job !== undefined && now - control.job.knownSince >= UNKNOWN_FOR_MS;
}
