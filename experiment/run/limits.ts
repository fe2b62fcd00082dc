import type { JobObservation } from '../batch/job-observation.ts';
import { queuedSince, startOfAttempt } from '../batch/job-observation.ts';
import { nodeHoursOf } from '../figures/node-hours.ts';
import { BUDGET_GRACE_SECONDS } from '../plan/most-cost.ts';
import type { Plan } from '../plan/plan.ts';
import type { Control, Stop } from '../records/control.ts';
import { spoken } from '../text/numbers.ts';

/** Node 0 writes its progress every ten seconds or more; this long without any, it is dead or frozen. */
const SILENCE_SECONDS = 15 * 60;

/** What the limits of a run are judged by. */
export interface LimitView {
  now: number;
  control: Pick<Control, 'deadlineAt' | 'job'>;
  jobs: readonly JobObservation[];
  /** When progress.json was last written, as S3 tells it: what is in it is not believed. */
  heardAt: number | undefined;
  plan: Pick<Plan, 'cluster' | 'timeouts' | 'maxNodeHours'> | undefined;
}

/** The limit that ends this run now, if any: of time in the queue, of the whole, of money, of silence. */
export function limitReached(view: LimitView): Stop | undefined {
  const { now, control, plan } = view;
  if (now >= control.deadlineAt)
    return told(now, 'timed-out', 'deadline', 'all the time that its `timeouts` allow has passed');
  const job = view.jobs.find(({ id }) => id === control.job?.id);
  if (plan === undefined || job === undefined) return undefined;
  const waiting = queuedSince(job);
  if (waiting !== undefined && now - waiting >= plan.timeouts.queueSeconds * 1000)
    return told(
      now,
      'timed-out',
      'queue-limit',
      `the job waited ${spoken(plan.timeouts.queueSeconds)} for its machines${reasonGiven(job)}`,
    );
  if (job.status !== 'RUNNING') return undefined;
  return overBudget(view, plan, job) ?? silent(view, job);
}

/** AWS's word for it is gone once the job is terminated. */
function reasonGiven({ statusReason, attempts }: JobObservation): string {
  if (statusReason === undefined || statusReason === '' || statusReason === attempts.at(-1)?.statusReason)
    return '';
  return `, and AWS said: ${statusReason}`;
}

function overBudget(
  { now }: LimitView,
  { cluster, maxNodeHours }: Pick<Plan, 'cluster' | 'maxNodeHours'>,
  job: JobObservation,
): Stop | undefined {
  if (maxNodeHours === undefined) return undefined;
  const grace = (BUDGET_GRACE_SECONDS * cluster.nodes) / 3600;
  return nodeHoursOf(job, cluster.nodes, now) < maxNodeHours + grace
    ? undefined
    : told(now, 'failed', 'budget', 'the budget is used up and node 0 did not end the run');
}

function silent({ now, heardAt }: LimitView, job: JobObservation): Stop | undefined {
  const last = lastHeard(job, heardAt);
  if (last === undefined || now - last < SILENCE_SECONDS * 1000) return undefined;
  return told(
    now,
    'failed',
    'silent',
    last === startOfAttempt(job)
      ? `node 0 has reported nothing in the ${spoken(SILENCE_SECONDS)} since it was started`
      : `node 0 has reported nothing for ${spoken(SILENCE_SECONDS)}`,
  );
}

/** When node 0 of this attempt was last heard of: at its start at the least, since what is older is of an earlier one. */
export function lastHeard(job: JobObservation, heardAt: number | undefined): number | undefined {
  const started = startOfAttempt(job);
  return heardAt === undefined || started === undefined ? started : Math.max(started, heardAt);
}

function told(at: number, cause: Stop['cause'], because: Stop['because'], why: string): Stop {
  return { at, cause, because, why };
}
