import { HTML_TYPE, onlyOver } from '../../aws/bucket.ts';
import { isFromAws, isRefused, messageOf, nameOf } from '../../aws/errors.ts';
import type { JobObservation } from '../../experiment/batch/job-observation.ts';
import { isOver } from '../../experiment/batch/job-observation.ts';
import type { Sentences } from '../../experiment/diagnosis/diagnose.ts';
import { attemptStart } from '../../experiment/figures/attempts.ts';
import type { Control } from '../../experiment/records/control.ts';
import {
  MAX_COLLECTS,
  mayCollect,
  withCollect,
  withEnd,
  withoutCollect,
} from '../../experiment/records/control.ts';
import type { Outcome } from '../../experiment/records/outcome.ts';
import { statesOf } from '../../experiment/records/status.ts';
import type { Summary } from '../../experiment/records/summary.ts';
import { MAX_SUMMARY_BYTES, parseSummary } from '../../experiment/records/summary.ts';
import { decideOutcome } from '../../experiment/run/decide-outcome.ts';
import { eventsOf } from '../../experiment/status/observed-events.ts';
import { summarise } from '../../experiment/summary/summarise.ts';
import { ControlConflict, StillStopping, UnknownRecord } from '../../experiment/util/errors.ts';
import { describePlan } from '../../report/page/input.ts';
import { renderEnd, renderReport, saysEnd } from '../../report/render.ts';
import type { FunctionDeps } from '../deps.ts';
import { describeJobs } from '../stores/batch-jobs.ts';
import type { ControlStore } from '../stores/control-store.ts';
import type { RunStores } from '../stores/run-stores.ts';
import { storesOf } from '../stores/run-stores.ts';
import { countByParameter } from './by-parameter.ts';
import { readImages } from './read-images.ts';
import type { Remains } from './run-folder.ts';
import { readRemains } from './run-folder.ts';
import { rewriteRunsPage } from './runs-page.ts';
import { tableParameters } from './table-parameters.ts';
import { writeTaskFiles } from './task-files.ts';

/** What the state machine chooses by, and what a failed execution shows as its error and cause. */
export interface Collected {
  outcome: Outcome;
  error: string;
  cause: string;
}

const TRIES = 5;
const ERRORS: Record<Outcome, string> = {
  succeeded: '',
  failed: 'RunFailed',
  cancelled: 'RunCancelled',
  'timed-out': 'RunTimedOut',
};

/**
 * Writes what a run came to: summary, status, report. Idempotent, and safe against a copy of itself that decided before
 * the run was asked to end: the objects are written only over what stood there before the decision, else all is decided
 * again. Each try is counted before anything of the run's folder is read, so that what cannot be read or summed up, and
 * even what ends the function, is tried {@link MAX_COLLECTS} times: then the run has ended without a report. While AWS
 * does not answer, none is used up for an hour.
 * @throws StillStopping while the run's job lives
 * @throws UnknownRecord where there is no such run
 * @throws ControlConflict when other copies keep writing
 */
export async function collectRun(deps: FunctionDeps, runId: string): Promise<Collected> {
  const stores = storesOf(deps, runId);
  const stored = await stores.control.read();
  if (stored === undefined) throw new UnknownRecord(`there is no run ${runId}`);
  const job = await deadJob(deps, stored.control);
  const counted = await stores.control.change((now) => withCollect(now, deps.clock.now()));
  if (counted === undefined || !mayCollect(counted))
    return answer(deps, runId, await endWithoutReport(deps, stores, job));
  try {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      const ended = await collectOnce(deps, stores, job);
      if (ended !== undefined) return answer(deps, runId, ended);
    }
  } catch (error) {
    if (isPassing(error)) await stores.control.change((now) => withoutCollect(now, deps.clock.now()));
    throw error;
  }
  throw new ControlConflict(`other copies kept writing the results of ${runId}`);
}

/** AWS will answer again: nothing that the run left is to blame. */
function isPassing(error: unknown): boolean {
  return isFromAws(error) && !isRefused(error);
}

/** @returns undefined when another copy wrote meanwhile */
async function collectOnce(
  deps: FunctionDeps,
  stores: RunStores,
  job: JobObservation | undefined,
): Promise<End | undefined> {
  const { bucket, control: store, records } = stores;
  const { keys } = records;
  const before = { summary: await bucket.head(keys.summary), report: await bucket.head(keys.report) };
  const standing = (await store.read())?.control;
  const read = await readRemains(stores, standing?.planSha256, standing?.acceptedAt);
  const remains = { ...read, byParameter: await countByParameter(stores, read) };
  const control = await store.change((now) =>
    now.ended === undefined && now.closedAt === undefined
      ? withEnd(now, decideEnd(now, job, remains, deps.clock.now()))
      : undefined,
  );
  if (control?.ended === undefined)
    throw new UnknownRecord(`the run ${keys.folder} was closed without an outcome`);
  const { at, outcome, headline, why, next } = control.ended;
  const ended = { kind: 'ended', at, outcome, headline, why, next } as const;
  if (remains.plan === undefined) {
    await correctResults(stores, control.ended);
    await records.observe([ended]);
  } else {
    const summary = { ...summariseRun(control, outcome, job, remains), headline, why, next };
    await tabulate(deps, stores, remains);
    if (
      !(await bucket.writeIf(keys.summary, JSON.stringify(summary, undefined, 1), onlyOver(before.summary)))
    )
      return undefined;
    await records.observe([
      ...eventsOf({ now: deps.clock.now(), control, jobs: job ? [job] : [], progress: remains.progress }),
      ended,
    ]);
    const report = await render(stores, summary, remains, at);
    if (!(await bucket.writeIf(keys.report, report, onlyOver(before.report), HTML_TYPE))) return undefined;
  }
  await rewriteRunsPage(deps, bucket, control.runId);
  await noteWritten(deps, store, control);
  return control.ended;
}

/** A table that cannot be made of what tasks wrote keeps no run from ending. */
async function tabulate(
  { metrics, logger }: FunctionDeps,
  stores: RunStores,
  remains: Remains,
): Promise<void> {
  try {
    await writeTaskFiles(stores, remains);
  } catch (error) {
    if (isPassing(error)) throw error;
    metrics.count('FunctionFailed');
    logger.warn('Run:NoTable', { runId: remains.plan?.runId, error: nameOf(error), said: messageOf(error) });
  }
}

/** Whatever the run's folder holds was tried to be read often enough: what is known of its end is noted without it. */
async function endWithoutReport(
  deps: FunctionDeps,
  stores: RunStores,
  job: JobObservation | undefined,
): Promise<End> {
  const { control: store, records } = stores;
  const progress = await records.progress().then(
    ({ progress }) => progress,
    () => undefined,
  );
  const control = await store.change((now) => {
    if (now.closedAt !== undefined || now.ended !== undefined) return undefined;
    const outcome = decideOutcome(now, job, progress);
    return withEnd(now, { at: endOf(now, deps.clock.now()), outcome, ...unreadable(now, job) });
  });
  if (control?.ended === undefined)
    throw new UnknownRecord(`${records.keys.folder} was closed without an outcome`);
  const { writtenAt: _, ...ended } = control.ended;
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const failed = await correctResults(stores, ended)
      .then(() => records.observe([{ kind: 'ended', ...ended }]))
      .then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
    if (failed === undefined) break;
    if (tried < TRIES && isPassing(failed.error)) continue;
    deps.metrics.count('FunctionFailed');
    deps.logger.error('Run:NotObserved', {
      runId: control.runId,
      error: nameOf(failed.error),
      said: messageOf(failed.error),
    });
    // Settle has it noted again, for an hour.
    if (isPassing(failed.error)) return control.ended;
    break;
  }
  await noteWritten(deps, store, control);
  return control.ended;
}

/**
 * An earlier try may have written that the run came to something else, before it was told to end. What it had summed up
 * stays; how the run ended is said as it is now.
 */
async function correctResults({ bucket, records }: RunStores, ended: End): Promise<void> {
  const { keys } = records;
  const { outcome, headline, why, next } = ended;
  const stored = await bucket.readUntrusted(keys.summary, { maxBytes: MAX_SUMMARY_BYTES });
  const summary = parseSummary(stored?.text);
  if (summary === undefined) return;
  const corrected = { ...summary, outcome, headline, why, next };
  const report = await bucket.readUntrusted(keys.report);
  if (report !== undefined && !saysEnd(report.text, corrected))
    await bucket.writeIf(keys.report, renderEnd(corrected), onlyOver(report), HTML_TYPE);
  const text = JSON.stringify(corrected, undefined, 1);
  if (stored?.text !== text) await bucket.writeIf(keys.summary, text, onlyOver(stored));
}

type End = NonNullable<Control['ended']>;

function answer({ metrics, logger }: FunctionDeps, runId: string, { outcome, ...said }: End): Collected {
  metrics.count('RunEnded');
  logger.info('Run:Collected', { runId, outcome, headline: said.headline });
  return { outcome, error: ERRORS[outcome], cause: causeOf(said) };
}

function decideEnd(control: Control, job: JobObservation | undefined, remains: Remains, now: number): End {
  const outcome = decideOutcome(control, job, remains.progress);
  const { headline, why, next } =
    remains.plan === undefined ? withoutPlan(control) : summariseRun(control, outcome, job, remains);
  return { at: endOf(control, now), outcome, headline, why, next };
}

/** Before this is noted, settle has the results written again. */
async function noteWritten({ clock }: FunctionDeps, store: ControlStore, { ended }: Control): Promise<void> {
  await store.change((now) =>
    now.ended === undefined || now.ended.at !== ended?.at || now.ended.writtenAt !== undefined
      ? undefined
      : { ...now, ended: { ...now.ended, writtenAt: clock.now() } },
  );
}

/** A run whose end was decided anew ended later than it first seemed to. */
function endOf({ stop, acceptedAt }: Control, now: number): number {
  return Math.max(now, acceptedAt, (stop?.at ?? 0) + 1);
}

async function deadJob(deps: FunctionDeps, control: Control): Promise<JobObservation | undefined> {
  if (control.job === undefined) return undefined;
  const [job] = await describeJobs(deps, control, [control.job.id]);
  if (job !== undefined && !isOver(job.status))
    throw new StillStopping(`the job ${job.id} of ${control.runId} is ${job.status}`);
  return job;
}

function summariseRun(
  control: Control,
  outcome: Outcome,
  job: JobObservation | undefined,
  { plan, outputs, ...remains }: Remains,
): Summary {
  if (plan === undefined) throw new UnknownRecord(`the run ${control.runId} has no plan`);
  const { stop } = control;
  return summarise({
    plan,
    outcome,
    ...remains,
    job,
    observed: {
      exitCode: job?.exitCode,
      outputs,
      job: job && { id: job.id, status: job.status, statusReason: job.statusReason, attempts: job.attempts },
      stop: stop?.cause === outcome ? { cause: stop.cause, why: stop.why, because: stop.because } : undefined,
    },
  });
}

async function render(
  stores: RunStores,
  summary: Summary,
  remains: Remains,
  madeAt: number,
): Promise<string> {
  const { plan, progress, nodes, tasks, manifest, outputs } = remains;
  if (plan === undefined) throw new UnknownRecord(`the run ${summary.runId} has no plan`);
  const { bucket, records } = stores;
  const status = await records.status();
  return renderReport({
    summary,
    history: status === undefined ? [] : statesOf(status),
    nodes,
    tasks,
    load: remains.load,
    outputOf: remains.outputOf,
    attemptStart: attemptStart({ progress }),
    open: progress?.open,
    byParameter: remains.byParameter,
    manifest,
    run: describePlan(plan),
    parameters: await tableParameters(stores, remains, summary.tasks.total),
    images: await readImages(bucket, records.keys.outputs, outputs),
    madeAt,
  });
}

/** Step Functions takes 32,768 characters. */
function causeOf({ headline, why, next }: Sentences): string {
  return `${headline} ${why} ${next}`.slice(0, 8000);
}

function unreadable({ runId, stop }: Control, job: JobObservation | undefined): Sentences {
  const code = job?.exitCode === undefined ? '' : ` Its job ended with exit code ${job.exitCode}.`;
  return {
    headline: 'Ended without a report.',
    why: `What tasks wrote into the folder of ${runId} could not be summed up in ${MAX_COLLECTS} tries.${code}${stop === undefined ? '' : ` It was asked to end: ${stop.why}`}`,
    next: 'Look at its files in the bucket; the log of collect says what went wrong.',
  };
}

/** Somebody deleted the run's folder: there is nothing to sum up, and the run must end all the same. */
function withoutPlan({ runId }: Control): Sentences {
  return {
    headline: 'Ended without a report.',
    why: `The folder of ${runId} was deleted, or its plan.json overwritten, before it had ended.`,
    next: 'Submit the manifest again.',
  };
}
