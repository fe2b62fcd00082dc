import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { realClock } from '../../../local/clock/real.ts';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';

const DAY = 24 * 3600 * 1000;
const reason = new Error('stopped');

describe('virtual time', () => {
  it('wakes sleepers by time and, at the same moment, in the order they lay down', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ms: fc.nat(20), aborted: fc.boolean() }), { maxLength: 60 }),
        async (sleepers) => {
          const clock = new VirtualClock(1_000);
          const woken: [number, number][] = [];
          const aborts = sleepers.map(({ ms }, name) => {
            const abort = new AbortController();
            clock.sleep(ms, abort.signal).then(
              () => woken.push([clock.now() - 1_000, name]),
              () => undefined,
            );
            return abort;
          });
          for (const [name, { aborted }] of sleepers.entries()) if (aborted) aborts[name]?.abort();
          await clock.advance(100);
          const expected = sleepers
            .map(({ ms, aborted }, name) => ({ ms, aborted, name }))
            .filter(({ aborted }) => !aborted)
            .sort((a, b) => a.ms - b.ms || a.name - b.name)
            .map(({ ms, name }) => [ms, name]);
          expect(woken).toEqual(expected);
        },
      ),
    );
  });

  it('jumps over a year as fast as over a second', async () => {
    const clock = new VirtualClock(0);
    let woken = false;
    void clock.sleep(365 * DAY).then(() => {
      woken = true;
    });
    expect(await clock.runUntil(() => woken, 366 * DAY)).toBe(true);
    expect(clock.now()).toBe(365 * DAY);
  });

  it('lets everything that follows from one timer happen before the next one fires', async () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    const act = async (name: string) => {
      await clock.sleep(10);
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      seen.push(`${name} done`);
    };
    void act('first');
    void act('second');
    await clock.advance(10);
    expect(seen).toEqual(['first done', 'second done']);
  });

  it('stops at its limit, having passed that much time, when what is waited for does not come', async () => {
    const clock = new VirtualClock(0);
    void clock.sleep(50);
    expect(await clock.runUntil(() => false, 40)).toBe(false);
    expect(clock.now()).toBe(40);
    expect(await clock.runUntil(() => clock.now() >= 50, 40)).toBe(true);
    expect(clock.now()).toBe(50);
  });
});

describe.each([
  ['virtual', () => new VirtualClock(0)],
  ['real', () => realClock],
])('a sleep in %s time', (_, make) => {
  it('ends with the reason of the signal, before or while it sleeps', async () => {
    const clock = make();
    const abort = new AbortController();
    const sleeping = clock.sleep(60_000, abort.signal);
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('real time', () => {
  it('waits longer than one timer of Node.js can', async () => {
    const abort = new AbortController();
    const sleeping = realClock.sleep(30 * DAY, abort.signal).then(() => 'woke at once');
    expect(await Promise.race([sleeping, realClock.sleep(100).then(() => 'still asleep')])).toBe(
      'still asleep',
    );
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });

  it('sleeps as long as it is told to', async () => {
    const before = realClock.now();
    await realClock.sleep(30);
    // Timers and the clock may round differently by a millisecond.
    expect(realClock.now() - before).toBeGreaterThanOrEqual(29);
  });
});

describe('seeded randomness', () => {
  it('is the same for the same seed and another for another', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return [
        random.next(),
        random.between(1, 6),
        random.nonce(),
        random.chance(0.5),
        random.pick(['a', 'b', 'c']),
      ];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('stays within what was asked for, for any seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -50, max: 50 }), fc.nat(100), (seed, min, width) => {
        const random = new SeededRandom(seed);
        for (let turn = 0; turn < 20; turn += 1) {
          const number = random.between(min, min + width);
          expect(Number.isInteger(number) && number >= min && number <= min + width).toBe(true);
          expect(random.nonce()).toMatch(/^[0-9a-f]{32}$/);
        }
        expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
      }),
    );
  });

  it('reaches every number of a range, about equally often', () => {
    const random = new SeededRandom(1);
    const counts = [0, 0, 0, 0, 0, 0];
    for (let turn = 0; turn < 6_000; turn += 1) {
      const side = random.between(0, 5);
      counts[side] = (counts[side] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
