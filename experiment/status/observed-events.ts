import type { JobObservation } from '../batch/job-observation.ts';
import { isOver, queuedSince, startOfAttempt } from '../batch/job-observation.ts';
import type { Control } from '../records/control.ts';
import type { ObservedEvent } from '../records/observed-event.ts';
import type { Progress } from '../records/progress.ts';

/** What a look at a run shows, as events: the record, the job it follows and what node 0 of that job wrote. */
export function eventsOf(view: {
  now: number;
  control: Control;
  jobs: readonly JobObservation[];
  progress: Progress | undefined;
}): ObservedEvent[] {
  const { control, now } = view;
  const events: ObservedEvent[] = [{ kind: 'accepted', at: control.acceptedAt }];
  const job = view.jobs.find(({ id }) => id === control.job?.id);
  if (job !== undefined) events.push(...jobEvents(job, now));
  const { progress } = view;
  if (progress !== undefined && progress.jobId === control.job?.id) events.push(...phaseEvents(progress));
  if (control.stop !== undefined) {
    const { at, cause, why } = control.stop;
    events.push({ kind: 'stop-asked', at, cause, why });
  }
  return events;
}

function jobEvents(job: JobObservation, now: number): ObservedEvent[] {
  const { id: jobId, attempt, status, statusReason } = job;
  const events: ObservedEvent[] = [
    // What Batch tries again waits from the end of the attempt before, whether or not somebody looked then.
    ...job.attempts.slice(0, attempt - 1).flatMap(({ stoppedAt }, before): ObservedEvent[] => {
      const waits = { kind: 'job', jobId, attempt: before + 2, status: 'RUNNABLE' } as const;
      return stoppedAt === undefined ? [] : [{ ...waits, at: stoppedAt }];
    }),
    {
      kind: 'job',
      at: enteredAt(job) ?? now,
      jobId,
      attempt,
      status,
      ...(isOver(status) && statusReason !== undefined ? { reason: statusReason } : {}),
      ...(job.exitCode === undefined ? {} : { exitCode: job.exitCode }),
    },
  ];
  // While a job waits, its reason is that of the wait; after a retry Batch shows the last attempt's end there for a while.
  const isOld = statusReason === job.attempts.at(-1)?.statusReason;
  if (status === 'RUNNABLE' && statusReason !== undefined && statusReason !== '' && !isOld)
    events.push({ kind: 'waiting', at: now, jobId, reason: statusReason });
  return events;
}

function enteredAt(job: JobObservation): number | undefined {
  if (isOver(job.status)) return job.stoppedAt;
  if (job.status === 'RUNNING') return startOfAttempt(job);
  return queuedSince(job);
}

function phaseEvents({ jobId, attempt, phase, ...times }: Progress): ObservedEvent[] {
  const events: ObservedEvent[] = [];
  const add = (name: 'joining' | 'running' | 'collecting', at: string) =>
    events.push({ kind: 'phase', at: Date.parse(at), jobId, attempt, phase: name });
  add('joining', times.startedAt ?? times.at);
  if (phase === 'running' || times.tasksStartedAt !== undefined)
    add('running', times.tasksStartedAt ?? times.at);
  if (phase === 'collecting' || phase === 'done')
    add('collecting', times.collectingAt ?? times.tasksEndedAt ?? times.at);
  return events;
}
