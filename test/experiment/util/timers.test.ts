import { describe, expect, it } from 'vitest';
import { every, after as later, within } from '../../../experiment/util/timers.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';

const start = 1_000_000;

/** When the work was done, in milliseconds from the start. */
function recorded(clock: VirtualClock) {
  const at: number[] = [];
  return { at, work: () => void at.push(clock.now() - start) };
}

describe('timers', () => {
  it('do their work once, at its time, unless they are cancelled', async () => {
    const clock = new VirtualClock(start);
    const done = recorded(clock);
    const never = recorded(clock);
    later(clock, 300, done.work);
    const cancel = later(clock, 500, never.work);
    later(clock, 400, cancel);
    await clock.runUntil(() => false, 2000);
    expect([done.at, never.at]).toEqual([[300], []]);
  });

  it('repeat their work until they are stopped', async () => {
    const clock = new VirtualClock(start);
    const { at, work } = recorded(clock);
    later(clock, 350, every(clock, 100, work));
    await clock.runUntil(() => false, 2000);
    expect(at).toEqual([100, 200, 300]);
  });
});

describe('a time limit', () => {
  it('gives the answer that comes in time, and leaves no timer behind', async () => {
    const clock = new VirtualClock(start);
    const late = recorded(clock);
    const answer = within(clock, 100, Promise.resolve('answer'), late.work);
    expect(await answer).toBe('answer');
    await clock.runUntil(() => false, 2000);
    expect(late.at).toEqual([]);
  });

  it('ends the wait for work that hangs, and nobody hears of what fails later', async () => {
    const clock = new VirtualClock(start);
    const fails = clock.sleep(500).then(() => Promise.reject(new Error('later')));
    const waited = within(clock, 100, fails, () => {
      throw new Error('too late');
    });
    const outcome = waited.catch((error: unknown) => String(error));
    await clock.runUntil(() => false, 2000);
    expect(await outcome).toBe('Error: too late');
  });
});
