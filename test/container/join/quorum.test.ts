import { describe, expect, it } from 'vitest';
import type { Attempt } from '../../../container/attempt/attempt.ts';
import { Ending } from '../../../container/attempt/end-reason.ts';
import { Roster } from '../../../container/attempt/roster.ts';
import { Quorum } from '../../../container/join/quorum.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';

const JOIN_SECONDS = 600;
const FAULT = { node: 1, check: 'no-parallel', what: 'there is none', todo: 'install it' };

/** Node 0 of four is here and waits; nobody else has come. */
function quorum(change: { minNodes?: number; kind?: 'sierra' | 'commands' } = {}) {
  const clock = new VirtualClock(0);
  const ending = new Ending();
  const roster = new Roster(4, 1);
  const plan = {
    minNodes: change.minNodes ?? 4,
    timeouts: { joinSeconds: JOIN_SECONDS },
    work: { kind: change.kind ?? 'commands' },
  };
  const parts = {
    context: { clock },
    config: { mainIndex: 0 },
    log: () => undefined,
    ending,
    roster,
    plan,
  };
  const made = new Quorum(parts as unknown as Attempt);
  const comes = (index: number, cpus = 2) => {
    roster.joined(
      index,
      { address: `10.0.0.${index}`, cpus, startedAt: 0, versions: {} },
      clock.now(),
      false,
    );
    made.look();
  };
  comes(0);
  /** Seconds until it is over, or that it is not. */
  const over = async (withinSeconds = 10_000) => {
    const isOver = await clock.runUntil(() => made.isDone, withinSeconds * 1000);
    return isOver ? clock.now() / 1000 : 'waits';
  };
  return { made, comes, clock, ending, over };
}

describe('node 0 waits for the others', () => {
  it('until all are here, and no longer', async () => {
    const { comes, clock, over, ending } = quorum();
    comes(1);
    await clock.advance(60_000);
    comes(2);
    expect(await over(60)).toBe('waits');
    comes(3);
    expect(await over()).toBe(120);
    expect(ending.reason).toBeUndefined();
  });

  it('to the join limit; then the run ends and names who is missing', async () => {
    const { comes, over, ending } = quorum();
    comes(1);
    comes(3);
    expect(await over(JOIN_SECONDS - 1)).toBe('waits');
    expect(await over()).toBeCloseTo(JOIN_SECONDS, 1);
    expect(ending.reason).toEqual({ kind: 'too-few-joined', joined: 3, needed: 4, missing: [2] });
  });

  it('to the join limit, and goes on without the missing where minNodes allows it', async () => {
    const { comes, over, ending } = quorum({ minNodes: 3 });
    comes(1);
    comes(3);
    expect(await over(JOIN_SECONDS - 1)).toBe('waits');
    expect(await over()).toBeCloseTo(JOIN_SECONDS, 1);
    expect(ending.reason).toBeUndefined();
  });

  it('no longer once the run ends for another reason', async () => {
    const { ending, over } = quorum();
    ending.because({ kind: 'terminated', signal: 'SIGTERM' });
    expect(await over()).toBe(0);
  });
});

describe('a node that lacks something', () => {
  it('ends the run at once where all have spoken', async () => {
    const { made, comes, over, ending } = quorum();
    comes(2);
    comes(3);
    made.faulty([FAULT]);
    expect(await over()).toBe(0);
    expect(ending.reason).toEqual({ kind: 'bad-environment', faults: [FAULT] });
  });

  it('gives the others 15 s to tell what they lack, long before the join limit', async () => {
    const { made, clock, over, ending } = quorum();
    made.faulty([FAULT]);
    await clock.advance(10_000);
    const other = { ...FAULT, node: 2 };
    // Told again by a node that connected again.
    made.faulty([other]);
    made.faulty([other]);
    expect(await over()).toBeCloseTo(15, 1);
    expect(ending.reason).toEqual({ kind: 'bad-environment', faults: [FAULT, other] });
  });

  it('and cannot read the shared folder is told together with what others lack', async () => {
    const { made, comes, over, ending } = quorum();
    made.unreadable(1, 'ENOENT');
    comes(3);
    made.faulty([{ ...FAULT, node: 2 }]);
    expect(await over()).toBeCloseTo(15, 1);
    expect(ending.reason).toMatchObject({
      faults: [
        { node: 2 },
        { node: 1, check: 'shared-storage-differs', what: expect.stringMatching(/without a proof/) },
      ],
    });
  });

  it('or could not read it and came all the same lacks nothing', async () => {
    const { made, comes, over, ending } = quorum();
    made.unreadable(1, 'ENOENT');
    for (const index of [1, 2, 3]) comes(index);
    expect(await over()).toBe(0);
    expect(ending.reason).toBeUndefined();
  });
});

describe('CPUs that differ', () => {
  it('end a run of SIERRA, which needs equal nodes', async () => {
    const { comes, over, ending } = quorum({ kind: 'sierra' });
    comes(1);
    comes(2, 999);
    expect(ending.reason).toBeUndefined();
    comes(3);
    expect(await over()).toBe(0);
    expect(ending.reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ node: 2, check: 'cpu-counts-differ', what: 'it has 999 CPUs, and node 0 has 2' }],
    });
  });

  it('cost other runs only speed', async () => {
    const { comes, over, ending } = quorum();
    for (const index of [1, 2, 3]) comes(index, index);
    expect(await over()).toBe(0);
    expect(ending.reason).toBeUndefined();
  });
});
