import { expect, it } from 'vitest';
import { GroupSize } from '../../../../container/fan-out/pool/sizing/group-size.ts';

/** Sizes of the next groups on four slots, one after another, when each task so far took so long. */
function sizes(seconds: number, total: number): number[] {
  const size = new GroupSize();
  const taken: number[] = [];
  for (let waiting = total; waiting > 0; ) {
    const next = Math.min(waiting, size.next(waiting, 4));
    taken.push(next);
    waiting -= next;
    for (let task = 0; task < next; task += 1) size.observe(seconds);
  }
  return taken;
}

it('begins with one task, and grows at most fourfold at a time', () => {
  expect(sizes(0.001, 10_000).slice(0, 5)).toEqual([1, 4, 16, 64, 256]);
});

it('takes about three seconds, and a task that others would have to wait for alone', () => {
  expect(Math.max(...sizes(0.008, 10_000))).toBe(300);
  expect(Math.max(...sizes(0.1, 10_000))).toBe(29);
  expect(new Set(sizes(0.15, 1000))).toEqual(new Set([1]));
});

it('shrinks towards the end, until a group takes a fifth of a second', () => {
  const all = sizes(0.008, 1000);
  const shrinking = all.slice(all.indexOf(Math.max(...all)));
  expect(shrinking).toEqual(shrinking.toSorted((a, b) => b - a));
  expect(shrinking.slice(-4, -1)).toEqual([20, 20, 20]);
  expect(Math.max(...sizes(0.008, 100))).toBe(20);
});
