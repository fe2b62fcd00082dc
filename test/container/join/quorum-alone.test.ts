import { describe, expect, it } from 'vitest';
import { Quorum } from '../../../container/join/quorum.ts';
import type { CheckFault } from '../../../experiment/records/progress.ts';
import { anAttempt } from '../../fixtures/attempt.ts';
import { aPlan } from '../../fixtures/records.ts';

const JOIN_SECONDS = 600;
const fault = (node: number, what = 'no sshd'): CheckFault => ({ node, check: 'no-sshd', what, todo: '' });

async function aGathering(plan: Parameters<typeof aPlan>[0] = {}) {
  const { timeouts, cluster } = aPlan();
  const made = await anAttempt({
    plan: {
      cluster: { ...cluster, nodes: 3 },
      minNodes: 2,
      timeouts: { ...timeouts, joinSeconds: JOIN_SECONDS },
      ...plan,
    },
  });
  const quorum = new Quorum(made.attempt);
  let isDone = false;
  void quorum.done().then(() => (isDone = true));
  const comes = (index: number, cpus?: number) => {
    made.joins(index, cpus);
    quorum.look();
  };
  /** Whether the quorum went on, and why the attempt ended if it did, once so many seconds have passed. */
  const passing = async (seconds: number) => {
    await made.clock.advance(seconds * 1000);
    return { isDone, reason: made.attempt.ending.reason };
  };
  return { ...made, quorum, comes, passing };
}

const WAITS = { isDone: false, reason: undefined };
const GOES = { isDone: true, reason: undefined };

describe('nodes are gathered', () => {
  it('as soon as all are here', async () => {
    const { comes, passing } = await aGathering();
    for (const index of [0, 1]) comes(index);
    expect(await passing(1)).toEqual(WAITS);
    comes(2);
    expect(await passing(0)).toEqual(GOES);
  });

  it('at the limit, when enough are here', async () => {
    const { comes, passing } = await aGathering();
    for (const index of [0, 2]) comes(index);
    expect(await passing(JOIN_SECONDS - 1)).toEqual(WAITS);
    expect(await passing(2)).toEqual(GOES);
  });

  it('or not, and then it is told who is missing', async () => {
    const { comes, passing } = await aGathering();
    comes(1);
    expect(await passing(JOIN_SECONDS - 1)).toEqual(WAITS);
    const reason = { kind: 'too-few-joined', joined: 1, needed: 2, missing: [0, 2] };
    expect(await passing(2)).toEqual({ isDone: true, reason });
  });

  it('no longer when the attempt ends', async () => {
    const { attempt, passing } = await aGathering();
    attempt.ending.because({ kind: 'terminated', signal: 'SIGTERM' });
    expect(await passing(0)).toMatchObject({ isDone: true });
  });
});

describe('faults', () => {
  it('end it 15 s after the first, though others have not spoken and time is left', async () => {
    const { quorum, comes, passing } = await aGathering();
    comes(0);
    quorum.faulty([fault(1)]);
    expect(await passing(10)).toEqual(WAITS);
    quorum.faulty([fault(1, 'no perl')]);
    expect(await passing(4.9)).toEqual(WAITS);
    const faults = [fault(1), fault(1, 'no perl')];
    expect(await passing(0.2)).toMatchObject({ reason: { kind: 'bad-environment', faults } });
  });

  it('end it at once when everybody has spoken', async () => {
    const { quorum, comes, passing } = await aGathering();
    comes(0);
    quorum.faulty([fault(1)]);
    quorum.faulty([fault(2)]);
    expect(await passing(0)).toMatchObject({ reason: { faults: [fault(1), fault(2)] } });
  });

  it('end it at the limit where that is sooner', async () => {
    const { quorum, passing } = await aGathering();
    await passing(JOIN_SECONDS - 5);
    quorum.faulty([fault(1)]);
    expect(await passing(4)).toEqual(WAITS);
    expect(await passing(2)).toMatchObject({ reason: { kind: 'bad-environment', faults: [fault(1)] } });
  });

  it('told again by a node that connected again are the same', async () => {
    const { quorum, comes, passing } = await aGathering();
    comes(0);
    const other = { ...fault(1), check: 'no-perl' };
    quorum.faulty([fault(1)]);
    quorum.faulty([fault(1), other]);
    expect(await passing(16)).toMatchObject({ reason: { faults: [fault(1), other] } });
  });

  it('keep it from going on although all are here', async () => {
    const { quorum, comes, passing } = await aGathering();
    quorum.faulty([fault(0)]);
    for (const index of [0, 1, 2]) comes(index);
    expect(await passing(0)).toMatchObject({ reason: { faults: [fault(0)] } });
  });
});

describe('a node that cannot read the attempt’s folder', () => {
  it('ends nothing before the deadline, and is then told without its words', async () => {
    const { quorum, comes, passing, logged } = await aGathering();
    comes(0);
    for (let round = 0; round < 50; round += 1)
      for (let index = 2; index < 999; index += 1)
        quorum.unreadable(index, `EIO ${round}: ask help@evil.example\u001b[2J ${'x'.repeat(4000)}`);
    const told = logged.filter(([event]) => event === 'Node:CannotReadFolder');
    expect(told).toHaveLength(1);
    expect(JSON.stringify(told).length).toBeLessThan(600);
    expect(await passing(JOIN_SECONDS - 1)).toEqual(WAITS);
    expect(await passing(2)).toMatchObject({
      reason: { kind: 'too-few-joined', joined: 1, needed: 2, missing: [1, 2], cannotRead: [2] },
    });
  });

  it('keeps no others from going on at the deadline', async () => {
    const { quorum, comes, passing } = await aGathering();
    for (const index of [0, 1]) comes(index);
    quorum.unreadable(2, 'ENOENT');
    expect(await passing(JOIN_SECONDS + 1)).toEqual(GOES);
  });

  it('counts for nothing once it has come after all', async () => {
    const { quorum, comes, passing } = await aGathering();
    quorum.unreadable(2, 'ENOENT');
    for (const index of [2, 0]) comes(index);
    expect(await passing(36)).toEqual(WAITS);
    comes(1);
    expect(await passing(0)).toEqual(GOES);
  });

  it('is told with the faults of others', async () => {
    const { quorum, comes, passing } = await aGathering();
    comes(0);
    quorum.unreadable(2, 'ENOENT');
    quorum.faulty([fault(1)]);
    expect(await passing(14.9)).toEqual(WAITS);
    const { reason } = await passing(0.2);
    expect(reason).toMatchObject({ faults: [{ node: 1 }, { node: 2 }] });
  });
});

describe('nodes with unequal CPUs', () => {
  const sierra = { kind: 'sierra', args: [], pipeline: [1, 2], onFailedRuns: 'process' } as const;

  it('end a run of SIERRA once all are here', async () => {
    const { comes, passing } = await aGathering({ work: sierra });
    comes(0, 4);
    comes(1, 8);
    expect(await passing(20)).toEqual(WAITS);
    comes(2, 4);
    expect(await passing(0)).toMatchObject({
      reason: { faults: [{ node: 1, check: 'cpu-counts-differ', what: 'it has 8 CPUs, and node 0 has 4' }] },
    });
  });

  it('end it also at the limit, when others are missing and enough are here', async () => {
    const { comes, passing } = await aGathering({ work: sierra });
    comes(0, 4);
    comes(1, 8);
    expect(await passing(JOIN_SECONDS + 1)).toMatchObject({ reason: { faults: [{ node: 1 }] } });
  });

  it('are not known before node 0 is', async () => {
    const { comes, passing } = await aGathering({ work: sierra });
    comes(1, 8);
    comes(2, 8);
    expect(await passing(JOIN_SECONDS + 1)).toEqual(GOES);
  });

  it('do not matter to commands', async () => {
    const { comes, passing } = await aGathering();
    for (const index of [0, 1, 2]) comes(index, 4 + index);
    expect(await passing(0)).toEqual(GOES);
  });
});
