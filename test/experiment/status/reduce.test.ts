import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobStatus, ObservedEvent } from '../../../experiment/records/observed-event.ts';
import { statesOf } from '../../../experiment/records/status.ts';
import { eventsOf } from '../../../experiment/status/observed-events.ts';
import { eventId, reduceStatus } from '../../../experiment/status/reduce.ts';
import { aProgress, iso, RUN_ID, START } from '../../fixtures/records.ts';
import { aControl, aJob } from '../../fixtures/run-view.ts';

const at = (seconds: number) => START + seconds * 1000;
const job = (status: JobStatus, seconds: number, more: { jobId?: string; attempt?: number } = {}) =>
  ({ kind: 'job', at: at(seconds), jobId: 'j', attempt: 1, status, ...more }) as const;
const phase = (name: 'joining' | 'running' | 'collecting', seconds: number, more: object = {}) =>
  ({ kind: 'phase', at: at(seconds), jobId: 'j', attempt: 1, phase: name, ...more }) as const;
const accepted = { kind: 'accepted', at: START } as const;
const ended = (outcome: 'succeeded' | 'failed', seconds: number) =>
  ({ kind: 'ended', at: at(seconds), outcome, headline: outcome, why: '', next: '' }) as const;
const waiting = (reason: string, seconds: number, jobId = 'j') =>
  ({ kind: 'waiting', at: at(seconds), jobId, reason }) as const;
const reduce = (...events: ObservedEvent[]) => reduceStatus(RUN_ID, events);

const anyEvent: fc.Arbitrary<ObservedEvent> = fc
  .record({
    seconds: fc.nat(9),
    jobId: fc.constantFrom('j', 'k'),
    attempt: fc.integer({ min: 1, max: 2 }),
    what: fc.constantFrom(
      accepted,
      job('RUNNABLE', 0),
      job('RUNNING', 0),
      job('FAILED', 0),
      phase('running', 0),
      waiting('CAPACITY', 0),
      ended('failed', 0),
      ended('succeeded', 0),
    ),
  })
  .map(({ seconds, jobId, attempt, what }) => ({
    ...what,
    at: at(seconds),
    ...('jobId' in what ? { jobId } : {}),
    ...('attempt' in what ? { attempt } : {}),
  }));

describe('the status', () => {
  it('is the same whatever the order and the number of what was observed', () => {
    fc.assert(
      fc.property(
        fc.array(anyEvent, { minLength: 1, maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (events, order) => {
          const shuffled = [...events, ...events.slice(0, 3)]
            .map((event) => ({ event, place: order.next().value }))
            .sort((a, b) => Number(a.place) - Number(b.place))
            .map(({ event }) => event);
          expect(reduce(...shuffled)).toEqual(reduce(...events));
        },
      ),
    );
  });

  it('says when each attempt ended, whoever looked then', () => {
    const over = { startedAt: at(-60), stoppedAt: at(30) };
    const second = { jobId: 'j', attempt: 2, startedAt: iso(35), tasksStartedAt: iso(40) };
    const events = eventsOf({
      now: at(50),
      control: aControl(),
      jobs: [aJob({ attempt: 2, attempts: [over], startedAt: at(34) })],
      progress: aProgress({ ...second, phase: 'running' }),
    });
    const states = statesOf(reduce(phase('running', 0), phase('collecting', 25), ...events));
    expect(states.slice(1)).toEqual([
      { state: 'running', attempt: 1, at: iso(0) },
      { state: 'collecting', attempt: 1, at: iso(25) },
      { state: 'queued', attempt: 2, at: iso(30) },
      { state: 'joining', attempt: 2, at: iso(34) },
      { state: 'running', attempt: 2, at: iso(40) },
    ]);
  });

  it('has each state once, at the first of its sightings, in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom<JobStatus>('RUNNABLE', 'STARTING', 'RUNNING'), fc.nat(99)), {
          minLength: 1,
        }),
        (seen) => {
          const { history, entered = [] } = reduce(...seen.map(([status, seconds]) => job(status, seconds)));
          const states = { RUNNABLE: 'queued', STARTING: 'starting', RUNNING: 'joining' } as const;
          for (const [status, state] of Object.entries(states)) {
            const first = Math.min(...seen.filter(([one]) => one === status).map(([, seconds]) => seconds));
            const told = first === Number.POSITIVE_INFINITY ? [] : [iso(first)];
            expect(history.filter((entry) => entry.state === state).map((entry) => entry.at)).toEqual(told);
            expect(entered.filter((entry) => entry.state === state).map((entry) => entry.at)).toEqual(told);
          }
          expect(history.map((entry) => entry.at)).toEqual(history.map((entry) => entry.at).toSorted());
        },
      ),
    );
  });

  it.each<[string, ObservedEvent[], object]>([
    ['of an accepted run', [accepted], { state: 'submitted', jobId: null, attempt: 0 }],
    [
      'goes on within an attempt, whatever came late',
      [job('RUNNING', 1), job('RUNNABLE', 2)],
      { state: 'joining' },
    ],
    ['believes node 0 over Batch', [phase('running', 1), job('RUNNING', 2)], { state: 'running' }],
    ['but not over the job’s end', [phase('running', 2), job('FAILED', 1)], { state: 'collecting' }],
    [
      'begins anew in a later attempt',
      [phase('running', 1), job('RUNNABLE', 2, { attempt: 2 })],
      { state: 'queued', attempt: 2 },
    ],
    [
      'of two jobs is that of the one whose node 0 spoke',
      [phase('joining', 1), job('RUNNING', 2, { jobId: 'k' })],
      { jobId: 'j' },
    ],
    [
      'else of the newer',
      [job('RUNNING', 1), job('RUNNABLE', 2, { jobId: 'k' })],
      { jobId: 'k', state: 'queued' },
    ],
    [
      'ends with the last end',
      [ended('succeeded', 1), ended('failed', 2)],
      { state: 'failed', headline: 'failed' },
    ],
    ['and stays ended', [ended('failed', 1), job('RUNNING', 2)], { state: 'failed' }],
  ])('%s', (_words, events, status) => {
    expect(reduce(...events)).toMatchObject(status);
  });

  it('forgets the ends that another one took the place of', () => {
    const states = reduce(ended('succeeded', 1), ended('failed', 2)).history.map(({ state }) => state);
    expect(states).toEqual(['failed']);
  });

  it('says why the job waits only while it does, in its own newest words', () => {
    const capacity = 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - no instance';
    const size = 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - too large';
    const said = (...events: ObservedEvent[]) => reduce(...events).why;
    const plain = said(job('RUNNABLE', 1));
    expect(said(job('RUNNABLE', 1), waiting(capacity, 2))).not.toBe(plain);
    expect(said(job('RUNNABLE', 1), waiting(capacity, 2), waiting(size, 3))).toBe(
      said(job('RUNNABLE', 1), waiting(size, 3)),
    );
    expect(said(job('RUNNABLE', 1), waiting(capacity, 2, 'k'))).toBe(plain);
    expect(said(job('STARTING', 3), waiting(capacity, 2))).toBe(said(job('STARTING', 3)));
  });

  it('names an event by what it says, and not by when it was seen', () => {
    expect(eventId(job('RUNNING', 1))).toBe(eventId(job('RUNNING', 2)));
    expect(eventId(job('RUNNING', 1))).not.toBe(eventId(job('RUNNING', 1, { attempt: 2 })));
    expect(eventId({ ...job('RUNNING', 1) })).toMatch(/^job-[0-9a-f]{16}$/);
  });
});
