import { describe, expect, it } from 'vitest';
import { decideOutcome } from '../../../experiment/run/decide-outcome.ts';
import type { LimitView } from '../../../experiment/run/limits.ts';
import { limitReached } from '../../../experiment/run/limits.ts';
import { aPlan, aProgress, START } from '../../fixtures/records.ts';
import { aControl, aJob, aView } from '../../fixtures/run-view.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

const limit = (view: Partial<LimitView>) => limitReached({ ...aView(), ...view });

describe('the budget that node 0 did not keep', () => {
  // Node 0 has three minutes: so many node-hours more as nodes are billed in them.
  it.each([
    [1, 1],
    [4, 1],
    [100, 1],
    [4, 0.25],
    [7, 250],
  ])('%d nodes, %d node-hours: ended once three minutes of all nodes are over it', (nodes, maxNodeHours) => {
    const { cluster, timeouts } = aPlan();
    const plan = { cluster: { ...cluster, nodes }, timeouts, maxNodeHours };
    const at = (minutes: number) => {
      const startedAt = START - (maxNodeHours / nodes) * HOUR - minutes * MINUTE;
      return limit({ plan, jobs: [aJob({ startedAt })], heardAt: START });
    };
    expect(at(2.99)).toBeUndefined();
    expect(at(3.01)).toMatchObject({ cause: 'failed', because: 'budget' });
  });

  it('is judged by the times of all attempts, whether Batch lists the one under way or not', () => {
    const { cluster, timeouts } = aPlan();
    const plan = { cluster: { ...cluster, nodes: 2 }, timeouts, maxNodeHours: 2 };
    const first = { startedAt: START - 2 * HOUR, stoppedAt: START - HOUR };
    const unlisted = (startedAt: number) => aJob({ attempts: [first], attempt: 2, startedAt });
    const listed = (startedAt: number) => aJob({ attempts: [first, { startedAt }], attempt: 2, startedAt });
    for (const job of [unlisted, listed]) {
      expect(limit({ plan, jobs: [job(START - 2 * MINUTE)] })).toBeUndefined();
      expect(limit({ plan, jobs: [job(START - 4 * MINUTE)] })).toMatchObject({ because: 'budget' });
    }
  });

  it('ends nothing where there is none, or where no node runs', () => {
    const { cluster, timeouts } = aPlan();
    const jobs = [aJob({ startedAt: START - 1000 * HOUR })];
    expect(limit({ jobs, heardAt: START })).toBeUndefined();
    const plan = { cluster, timeouts, maxNodeHours: 1 };
    expect(limit({ plan, jobs: [aJob({ status: 'STARTING' })] })).toBeUndefined();
    expect(limit({ plan, jobs: [aJob({ id: 'k' })] })).toBeUndefined();
  });
});

describe('the other limits, a millisecond to each side', () => {
  const waiting = (at: number) => aJob({ status: 'RUNNABLE', createdAt: at });
  const cases: readonly [string, Partial<LimitView>, Partial<LimitView>, object][] = [
    [
      'the deadline of the whole',
      { control: aControl({ deadlineAt: START + 1 }) },
      { control: aControl({ deadlineAt: START }) },
      { cause: 'timed-out', because: 'deadline', why: 'all the time that its `timeouts` allow has passed' },
    ],
    [
      'the time in the queue',
      { jobs: [waiting(START - HOUR + 1)] },
      { jobs: [waiting(START - HOUR)] },
      { cause: 'timed-out', because: 'queue-limit', why: 'the job waited 1 h for its machines' },
    ],
    [
      'the time in the queue of a later attempt',
      { jobs: [{ ...waiting(0), attempts: [{ stoppedAt: START - HOUR + 1 }] }] },
      { jobs: [{ ...waiting(0), attempts: [{ stoppedAt: START - HOUR }] }] },
      { because: 'queue-limit' },
    ],
    [
      'silence of a node 0 that never spoke',
      { jobs: [aJob({ startedAt: START - 15 * MINUTE + 1 })] },
      { jobs: [aJob({ startedAt: START - 15 * MINUTE })] },
      { because: 'silent', why: 'node 0 has reported nothing in the 15 min since it was started' },
    ],
    [
      'silence of one that stopped',
      { heardAt: START, now: START + 15 * MINUTE - 1 },
      { heardAt: START, now: START + 15 * MINUTE },
      { because: 'silent', why: 'node 0 has reported nothing for 15 min' },
    ],
    [
      'silence of a later attempt, which begins with it',
      {
        heardAt: START,
        now: START + 15 * MINUTE,
        jobs: [aJob({ attempts: [{}], attempt: 2, startedAt: START + 1 })],
      },
      {
        heardAt: START,
        now: START + 15 * MINUTE,
        jobs: [aJob({ attempts: [{}], attempt: 2, startedAt: START })],
      },
      { because: 'silent' },
    ],
  ];
  it.each(cases)('%s', (_words, before, after, stop) => {
    expect(limit(before)).toBeUndefined();
    expect(limit(after)).toMatchObject(stop);
  });

  it('AWS’ own reason is told with the queue’s limit, unless it is an earlier attempt’s', () => {
    const reason = 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY';
    const job = { ...waiting(START - HOUR), statusReason: reason };
    expect(limit({ jobs: [job] })?.why).toBe(`the job waited 1 h for its machines, and AWS said: ${reason}`);
    const later = { ...job, attempts: [{ stoppedAt: START - HOUR, statusReason: reason }] };
    expect(limit({ jobs: [later] })?.why).toBe('the job waited 1 h for its machines');
  });
});

describe('what a run came to', () => {
  const LIMITS = ['queue-limit', 'deadline', 'budget', 'silent'] as const;
  const ORDERS = ['person', 'submit-refused', 'execution-failed'] as const;
  const stop = (
    because: (typeof LIMITS | typeof ORDERS)[number],
    cause: 'failed' | 'cancelled' = 'failed',
  ) => ({
    stop: { at: START, cause, because, why: '' },
  });

  it.each(LIMITS)('%s does not fail a job that was done all the same, and every other', (because) => {
    expect(decideOutcome(stop(because), aJob({ status: 'SUCCEEDED', exitCode: 0 }), undefined)).toBe(
      'succeeded',
    );
    for (const status of ['FAILED', 'RUNNING'] as const)
      expect(decideOutcome(stop(because, 'cancelled'), aJob({ status, exitCode: 1 }), undefined)).toBe(
        'cancelled',
      );
    expect(decideOutcome(stop(because), undefined, aProgress())).toBe('failed');
  });

  it.each(ORDERS)('%s ends also a job that was done', (because) => {
    expect(
      decideOutcome(stop(because, 'cancelled'), aJob({ status: 'SUCCEEDED', exitCode: 0 }), undefined),
    ).toBe('cancelled');
  });

  it.each([
    ['of a job that is done', aJob({ status: 'SUCCEEDED', exitCode: 0 }), undefined, 'succeeded'],
    ['of one that failed', aJob({ status: 'FAILED', exitCode: 1 }), undefined, 'failed'],
    ['whatever node 0 said', aJob({ status: 'FAILED', exitCode: 1 }), aProgress(), 'failed'],
    ['at the run’s time limit', aJob({ status: 'FAILED', exitCode: 124 }), undefined, 'timed-out'],
    [
      'at Batch’s',
      aJob({ status: 'FAILED', statusReason: 'Job attempt duration exceeded timeout' }),
      undefined,
      'timed-out',
    ],
    ['of a forgotten job, by node 0’s last word', undefined, aProgress(), 'succeeded'],
    ['of a forgotten job, timed out', undefined, aProgress({ exitCode: 124 }), 'timed-out'],
    ['of a forgotten job, by no word of another', undefined, aProgress({ jobId: 'other' }), 'failed'],
    ['of a forgotten job, failed', undefined, aProgress({ exitCode: 1 }), 'failed'],
    ['of a forgotten job that was not done', undefined, aProgress({ phase: 'collecting' }), 'failed'],
    ['of nothing', undefined, undefined, 'failed'],
  ] as const)('%s', (_words, job, progress, outcome) => {
    expect(decideOutcome(aControl(), job, progress)).toBe(outcome);
  });
});
