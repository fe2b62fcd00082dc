import { createHash } from 'node:crypto';
import type { Sentences } from '../diagnosis/diagnose.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import type { JobStatus, ObservedEvent } from '../records/observed-event.ts';
import type { EnteredState, RunState, Status } from '../records/status.ts';
import { RUN_STATES } from '../records/status.ts';

/**
 * The name of what an event says, whenever it was seen: two observers of one thing write one object, and the first one's
 * time stands.
 */
export function eventId(event: ObservedEvent): string {
  const { at: _, ...says } = event;
  const text = JSON.stringify(Object.entries(says).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${event.kind}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

/**
 * Where a run stands, from all that was observed of it. Pure: the same events in any order and any number of times give
 * the same status.
 * @throws RangeError without any event: a run begins by being accepted
 */
export function reduceStatus(runId: string, seen: readonly ObservedEvent[]): Status {
  const events = inOrder(seen);
  if (events.length === 0) throw new RangeError('a run of which nothing was observed has no status');
  const current = currentJob(events);
  const ended = last(events, 'ended');
  const stop = last(events, 'stop-asked');
  const relevant = events.filter((event) => event.kind !== 'ended' || event === ended);
  const state = ended?.outcome ?? current?.state ?? 'submitted';
  const sentences =
    ended ??
    diagnose({
      runId,
      state,
      job: current?.event.kind === 'job' ? { status: current.event.status } : undefined,
      waiting: waitingOf(events, current),
      stop: stop && { cause: stop.cause, why: stop.why },
    });
  return {
    runId,
    state,
    headline: sentences.headline,
    why: sentences.why,
    next: sentences.next,
    jobId: current?.event.jobId ?? null,
    attempt: current?.event.attempt ?? 0,
    history: historyOf(relevant),
    entered: enteredStates(relevant),
    events: [...new Set(events.map(eventId))].sort(),
  };
}

type JobEvent = Extract<ObservedEvent, { kind: 'job' | 'phase' }>;

interface Place {
  event: JobEvent;
  state: RunState;
}

const OF_JOB: Record<JobStatus, RunState> = {
  SUBMITTED: 'queued',
  PENDING: 'queued',
  RUNNABLE: 'queued',
  STARTING: 'starting',
  RUNNING: 'joining',
  SUCCEEDED: 'collecting',
  FAILED: 'collecting',
};

/** Within one attempt a job only goes on: the furthest of these is where it stands. */
const RANK: Record<string, number> = {
  SUBMITTED: 0,
  PENDING: 1,
  RUNNABLE: 2,
  STARTING: 3,
  RUNNING: 4,
  joining: 5,
  running: 6,
  collecting: 7,
  SUCCEEDED: 8,
  FAILED: 8,
};

/** Where the job that has the run stands: the one node 0 of which has told something, else the newest. */
function currentJob(events: readonly ObservedEvent[]): Place | undefined {
  const ofJobs = events.filter(isJobEvent);
  const firstSeen = new Map<string, number>();
  for (const { jobId, at } of ofJobs) firstSeen.set(jobId, Math.min(at, firstSeen.get(jobId) ?? at));
  const atWork = new Set(ofJobs.filter(({ kind }) => kind === 'phase').map(({ jobId }) => jobId));
  const order = (event: JobEvent) => [
    atWork.has(event.jobId) ? 1 : 0,
    firstSeen.get(event.jobId) ?? 0,
    event.attempt,
    RANK[stepOf(event)] ?? 0,
    event.at,
  ];
  const furthest = ofJobs.reduce<JobEvent | undefined>(
    (best, event) =>
      best === undefined || compareLists(order(event), order(best), event.jobId, best.jobId) > 0
        ? event
        : best,
    undefined,
  );
  return furthest && { event: furthest, state: stateOf(furthest) };
}

function isJobEvent(event: ObservedEvent): event is JobEvent {
  return event.kind === 'job' || event.kind === 'phase';
}

function stepOf(event: JobEvent): string {
  return event.kind === 'job' ? event.status : event.phase;
}

function stateOf(event: JobEvent): RunState {
  return event.kind === 'job' ? OF_JOB[event.status] : event.phase;
}

function compareLists(one: readonly number[], other: readonly number[], tieOne: string, tieOther: string) {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return tieOne < tieOther ? -1 : tieOne > tieOther ? 1 : 0;
}

function waitingOf(events: readonly ObservedEvent[], current: Place | undefined) {
  if (current?.state !== 'queued') return undefined;
  const reason = events.findLast(
    (event): event is Extract<ObservedEvent, { kind: 'waiting' }> =>
      event.kind === 'waiting' && event.jobId === current.event.jobId,
  );
  return reason && { reason: reason.reason };
}

function historyOf(events: readonly ObservedEvent[]): Status['history'] {
  const entered = new Map<RunState, number>();
  for (const event of events) {
    const state = stateEntered(event);
    if (state !== undefined) entered.set(state, Math.min(event.at, entered.get(state) ?? event.at));
  }
  return [...entered]
    .sort(([a, from], [b, to]) => from - to || ORDER.indexOf(a) - ORDER.indexOf(b))
    .map(([state, at]) => ({ state, at: new Date(at).toISOString() }));
}

/** Of the same state in the same attempt the first time counts; two jobs of one run are one run. */
function enteredStates(events: readonly ObservedEvent[]): EnteredState[] {
  const entered = new Map<string, EnteredState>();
  for (const event of events) {
    const state = event.kind === 'stuck' ? 'stuck' : stateEntered(event);
    if (state === undefined) continue;
    const attempt = 'attempt' in event ? event.attempt : 0;
    const more = event.kind === 'stuck' ? { stuck: event.what, said: sentencesOf(event) } : {};
    const key = `${state} ${attempt} ${more.stuck}`;
    if (!entered.has(key))
      entered.set(key, { state, attempt, at: new Date(event.at).toISOString(), ...more });
  }
  return [...entered.values()].sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at) || ORDER.indexOf(a.state) - ORDER.indexOf(b.state),
  );
}

function sentencesOf({ headline, why, next }: Sentences): Sentences {
  return { headline, why, next };
}

const ORDER: readonly EnteredState['state'][] = RUN_STATES;

function stateEntered(event: ObservedEvent): RunState | undefined {
  switch (event.kind) {
    case 'accepted':
      return 'submitted';
    case 'job':
    case 'phase':
      return stateOf(event);
    case 'ended':
      return event.outcome;
    default:
      return undefined;
  }
}

function last<Kind extends ObservedEvent['kind']>(events: readonly ObservedEvent[], kind: Kind) {
  return events.findLast((event): event is Extract<ObservedEvent, { kind: Kind }> => event.kind === kind);
}

/** Oldest first; what happened at one moment is ordered by what it says, so that no order of arrival shows. */
function inOrder(events: readonly ObservedEvent[]): ObservedEvent[] {
  return events
    .map((event) => ({ event, id: eventId(event) }))
    .sort((a, b) => a.event.at - b.event.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .map(({ event }) => event);
}
