import { expect, it } from 'vitest';
import { mostGroups, Overlap } from '../../../../container/fan-out/pool/sizing/groups-per-node.ts';

/** Groups at once on a node of two slots, after tasks that ran so long with files that took so long. */
function groups(opening: number, running: number, { slots = 2, isEnd = false } = {}): number {
  const overlap = new Overlap();
  for (let task = 0; task < 50; task += 1) overlap.observe(opening, running);
  return overlap.groups(slots, isEnd);
}

it('gives each slot one group before anything is known, and where files are opened quickly', () => {
  expect(new Overlap().groups(2, false)).toBe(2);
  expect(groups(0.0002, 0)).toBe(2);
});

it('gives a node as many more as are needed so that its slots do not wait for files', () => {
  expect(groups(0.016, 0.014)).toBe(4);
  expect(groups(0.016, 0.006)).toBe(6);
});

it('gives no more to tasks that run far longer than their files take', () => {
  expect(groups(0.016, 10)).toBe(2);
  expect(groups(0.016, 1, { isEnd: true })).toBe(2);
});

it('lets the next task wait for a slot where tasks go alone, and feel their start', () => {
  expect(groups(0.0002, 0.1)).toBe(2);
  expect(groups(0.0002, 0.2)).toBe(4);
  expect(groups(0.0002, 1, { slots: 4 })).toBe(8);
  expect(groups(0.0002, 1, { slots: 64 })).toBe(72);
  expect(groups(0.0002, 6)).toBe(2);
});

it('binds none to a node before it has a free slot when few are left', () => {
  expect(groups(0.0002, 1, { isEnd: true })).toBe(2);
  expect(groups(0.016, 0.006, { isEnd: true })).toBe(6);
});

it('lets a group wait longer for its slot where tasks take longer', () => {
  const overlap = new Overlap();
  expect(overlap.patienceMs()).toBe(1000);
  overlap.observe(0, 2);
  expect(overlap.patienceMs()).toBe(4000);
  for (let task = 0; task < 50; task += 1) overlap.observe(0, 3600);
  expect(overlap.patienceMs()).toBe(8500);
});

it('has a bound for each machine, which many slots are beyond anyway', () => {
  expect(groups(1, 0)).toBe(6);
  expect(groups(1, 0, { slots: 64 })).toBe(64);
});

it('never has more than the node was told of', () => {
  for (const slots of [1, 2, 3, 8, 64])
    for (const opening of [0, 0.016, 1])
      for (const running of [0, 0.2, 4])
        expect(groups(opening, running, { slots })).toBeLessThanOrEqual(mostGroups(slots));
  expect(mostGroups(64)).toBe(72);
});

it('follows storage that becomes slow', () => {
  const overlap = new Overlap();
  for (let task = 0; task < 50; task += 1) overlap.observe(0.0002, 0.002);
  expect(overlap.groups(2, false)).toBe(2);
  for (let task = 0; task < 50; task += 1) overlap.observe(0.016, 0.002);
  expect(overlap.groups(2, false)).toBe(6);
});
