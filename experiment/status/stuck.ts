import { isOver, queuedSince } from '../batch/job-observation.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import type { ObservedEvent } from '../records/observed-event.ts';
import type { StuckKind } from '../records/status.ts';
import { lastHeard } from '../run/limits.ts';
import type { RunView } from '../run/next-step.ts';
import { spoken } from '../text/numbers.ts';

type StuckEvent = Extract<ObservedEvent, { kind: 'stuck' }>;

/** Machines may take their time: all nodes of a run must be free at once. */
const QUEUED_SECONDS = 30 * 60;
/** With a reason that waiting does not mend, the sooner the better. */
const HOPELESS_SECONDS = 10 * 60;
const HOPELESS = /MISCONFIGURATION|ACTION_REQUIRED/;
/** Node 0 tells its progress every ten seconds or more; at three times this settle ends the run. */
const SILENT_SECONDS = 5 * 60;
const UNSUBMITTED_SECONDS = 10 * 60;
/** Batch kills a job's containers 30 s or two minutes after it told them to end. */
const STOPPING_SECONDS = 10 * 60;

/**
 * Whether a run is stuck: nothing of it has moved for longer than it should. The sentences name the limit and not the time
 * so far, so that every look at the same run says the same and people are told once.
 */
export function stuckIn(view: RunView): StuckEvent[] {
  const { control } = view;
  if (control.closedAt !== undefined || control.ended !== undefined) return [];
  if (control.stop !== undefined) return stopping(view, control.stop.at);
  return [...unsubmitted(view), ...queued(view), ...silent(view)];
}

function queued(view: RunView): StuckEvent[] {
  const job = currentJob(view);
  const since = job === undefined ? undefined : queuedSince(job);
  if (job === undefined || since === undefined || view.plan === undefined) return [];
  const isOld = job.statusReason === job.attempts.at(-1)?.statusReason;
  const reason = isOld ? undefined : job.statusReason;
  const patience = HOPELESS.test(reason ?? '') ? HOPELESS_SECONDS : QUEUED_SECONDS;
  // A run that gives up after a minute is told of before it does.
  const limit = Math.min(patience, view.plan.timeouts.queueSeconds / 2);
  if (view.now - since < limit * 1000) return [];
  const { headline, why, next } = diagnose({
    runId: view.control.runId,
    state: 'queued',
    waiting: { reason, seconds: limit },
    nodes: { expected: view.plan.cluster.nodes, joined: 0, lost: 0 },
    limits: { queueSeconds: view.plan.timeouts.queueSeconds },
  });
  return [stuck('queue', view, job.attempt, { headline, why, next })];
}

function silent(view: RunView): StuckEvent[] {
  const { now, heardAt } = view;
  const job = currentJob(view);
  if (job === undefined || job.status !== 'RUNNING') return [];
  const last = lastHeard(job, heardAt);
  if (last === undefined || now - last < SILENT_SECONDS * 1000) return [];
  return [
    stuck('silent', view, job.attempt, {
      headline: `Node 0 has reported nothing for ${spoken(SILENT_SECONDS)}.`,
      why: 'Its machine is frozen, cut off or out of memory; its machines go on costing money.',
      next: 'Wait: the run is ended by itself after 15 min of silence. Or cancel it.',
    }),
  ];
}

function unsubmitted(view: RunView): StuckEvent[] {
  const { control, execution, now } = view;
  const isUnderWay = execution === undefined || execution.status === 'RUNNING';
  if (control.job !== undefined || !isUnderWay || now - control.acceptedAt < UNSUBMITTED_SECONDS * 1000)
    return [];
  return [
    stuck('submission', view, 0, {
      headline: `No job has been submitted in ${spoken(UNSUBMITTED_SECONDS)}.`,
      why: 'AWS Batch or Step Functions does not answer as it should; it is tried again every minute.',
      next: 'Ask the operators of the deployment to look at the dashboard and the log of settle.',
    }),
  ];
}

function stopping(view: RunView, since: number): StuckEvent[] {
  const job = view.jobs.find(({ status }) => !isOver(status));
  if (job === undefined || view.now - since < STOPPING_SECONDS * 1000) return [];
  return [
    stuck('stop', view, job.attempt, {
      headline: `The run was asked to end ${spoken(STOPPING_SECONDS)} ago, and its job still lives.`,
      why: 'AWS Batch was asked to terminate it and has not done so; its instances still cost money.',
      next: 'Ask the operators of the deployment to look at the job in the AWS Batch console.',
    }),
  ];
}

function currentJob({ jobs, control }: RunView) {
  return jobs.find(({ id }) => id === control.job?.id);
}

function stuck(
  what: StuckKind,
  { now }: Pick<RunView, 'now'>,
  attempt: number,
  sentences: Pick<StuckEvent, 'headline' | 'why' | 'next'>,
): StuckEvent {
  return { kind: 'stuck', at: now, attempt, what, ...sentences };
}
