import { expect, it } from 'vitest';
import { EndedTries, nearerLimit, secondsLeft } from '../../../experiment/figures/time-left.ts';
import { aPlan } from '../../fixtures/records.ts';

function seeded(seed: number) {
  let state = seed % 2 ** 32;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const normal = (random: () => number) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

type Durations = (random: () => number, at: number, total: number) => number;

const KINDS: Readonly<Record<string, Durations>> = {
  equal: () => 20,
  lognormal: (random) => 20 * Math.exp(0.6 * normal(random)),
  'heavy tail': (random) => Math.min(600, 5 / (1 - random()) ** (1 / 1.8)),
  'in step': (random) => 60 + 0.01 * random(),
  growing: (random, at, total) => 10 + (20 * at) / total + random(),
};

/** Looks at a run by list scheduling, each with the number shown and the truth. Slots may be lost with their tasks. */
function looks(
  kind: Durations,
  { total, slots, seed, loses }: { total: number; slots: number; seed: number; loses: number },
) {
  const random = seeded(seed);
  const waiting = Array.from({ length: total }, (_, at) => kind(random, at, total));
  const running: { start: number; end: number; duration: number }[] = [];
  const ended = new EndedTries();
  const seen: { shown: number | undefined; at: number; isTail: boolean }[] = [];
  let free = slots;
  let now = 0;
  let next = 3;
  let left = total;
  while (left > 0) {
    while (free > 0 && waiting.length > 0) {
      const duration = waiting.shift() ?? 0;
      running.push({ start: now, end: now + duration, duration });
      free -= 1;
    }
    running.sort((a, b) => a.end - b.end);
    const first = running[0];
    if (first === undefined) break;
    for (; next <= first.end; next += 7) {
      const ages = running.map(({ start }) => next - start);
      const there = running.length + free;
      seen.push({
        at: next,
        isTail: left <= there,
        shown: secondsLeft({ left, slots: there, ages, ended, rate: 0 }),
      });
    }
    now = first.end;
    running.shift();
    free += 1;
    left -= 1;
    ended.add(first.duration);
    if (loses > 0 && left === Math.floor(total / 2)) {
      for (const { duration } of running.splice(0, Math.min(loses, running.length - 1)))
        waiting.push(duration);
    }
  }
  return seen.map((look) => ({ ...look, truth: now - look.at }));
}

it('of the numbers shown nine in ten are within a factor of two, and at least half of the looks before the tail have one', () => {
  const all = Object.entries(KINDS).flatMap(([name, kind]) =>
    Array.from({ length: 160 }, (_, seed) =>
      looks(kind, {
        total: 30 + 7 * (seed % 40),
        slots: 4 + (seed % 13),
        seed: (seed + 1) * 2_654_435_761,
        loses: seed % 4 === 0 ? 2 : 0,
      }).map((look) => ({ ...look, name })),
    ).flat(),
  );
  for (const name of Object.keys(KINDS)) {
    const of = all.filter((look) => look.name === name);
    const shown = of.filter((look) => look.shown !== undefined);
    const near = shown.filter(({ shown: said = 0, truth }) => said <= 2 * truth && truth <= 2 * said);
    const before = of.filter(({ isTail }) => !isTail);
    expect(near.length / shown.length, name).toBeGreaterThanOrEqual(0.9);
    expect(
      before.filter((look) => look.shown !== undefined).length / before.length,
      name,
    ).toBeGreaterThanOrEqual(0.5);
    expect(of.filter(({ isTail, shown: said }) => isTail && said !== undefined)).toEqual([]);
  }
});

it('a limit is named where it comes before the tasks’ end, the nearer of both', () => {
  const plan = { ...aPlan(), maxNodeHours: 1 };
  const at = (left: number | undefined, used: number, ran: number) => nearerLimit(plan, { left, used, ran });
  expect(at(600, 0.9, 60)).toEqual({ seconds: expect.closeTo(180), of: 'the budget' });
  expect(at(600, 0.1, 7190)).toEqual({ seconds: 10, of: 'timeouts.run' });
  expect([at(100, 0.9, 60), at(undefined, 0.99, 7199)]).toEqual([undefined, undefined]);
});

it('of tasks that take less than it does to start them their rate tells', () => {
  const ended = new EndedTries();
  for (let at = 0; at < 100; at += 1) ended.add(0.05);
  const at = (rate: number) => secondsLeft({ left: 1000, slots: 4, ages: [], ended, rate });
  expect([at(0), at(500), at(10)].map((seconds) => Math.round(seconds ?? -1))).toEqual([13, 13, 100]);
  for (let one = 0; one < 100; one += 1) ended.add(20);
  expect(secondsLeft({ left: 1000, slots: 4, ages: [], ended, rate: 0.1 })).toBeLessThan(4000);
});
