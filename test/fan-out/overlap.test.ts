import { expect, it } from 'vitest';
import { mostGroups, Overlap } from '../../container/fan-out/overlap.ts';

/** Groups at once on a node of two slots, after tasks that ran so long with files that took so long. */
function groups(opening: number, running: number, slots = 2): number {
  const overlap = new Overlap();
  for (let task = 0; task < 50; task += 1) overlap.observe(opening, running);
  return overlap.groups(slots);
}

it('gives each slot one group before anything is known, and where files are opened quickly', () => {
  expect(new Overlap().groups(2)).toBe(2);
  expect(groups(0.0002, 0)).toBe(2);
});

it('gives a node as many more as are needed so that its slots do not wait for files', () => {
  expect(groups(0.016, 0.014)).toBe(4);
  expect(groups(0.016, 0.006)).toBe(6);
});

it('gives no more to tasks that run far longer than their files take', () => {
  expect(groups(0.016, 1)).toBe(2);
});

it('has a bound for each machine, which many slots are beyond anyway', () => {
  expect(groups(1, 0)).toBe(8);
  expect(mostGroups(64)).toBe(64);
  expect(groups(1, 0, 64)).toBe(64);
});

it('follows storage that becomes slow', () => {
  const overlap = new Overlap();
  for (let task = 0; task < 50; task += 1) overlap.observe(0.0002, 0.002);
  expect(overlap.groups(2)).toBe(2);
  for (let task = 0; task < 50; task += 1) overlap.observe(0.016, 0.002);
  expect(overlap.groups(2)).toBe(8);
});
