import { expect, it } from 'vitest';
import { GroupSize } from '../../container/fan-out/group-size.ts';

/** Sizes of the next groups on four slots, one after another, when each task so far took so long. */
function sizes(seconds: number, total: number): number[] {
  const size = new GroupSize();
  const taken: number[] = [];
  for (let waiting = total; waiting > 0; ) {
    const next = Math.min(waiting, size.next(waiting, 4, 4));
    taken.push(next);
    waiting -= next;
    for (let task = 0; task < next; task += 1) size.observe(seconds);
  }
  return taken;
}

it('begins with one task, and grows at most fourfold at a time', () => {
  expect(sizes(0.001, 10_000).slice(0, 5)).toEqual([1, 4, 16, 64, 256]);
});

it('takes about a second, and a long task alone', () => {
  expect(Math.max(...sizes(0.008, 10_000))).toBe(100);
  expect(new Set(sizes(2, 100))).toEqual(new Set([1]));
});

it('shrinks towards the end, until a group takes a tenth of a second', () => {
  const all = sizes(0.008, 1000);
  const shrinking = all.slice(all.indexOf(Math.max(...all)));
  expect(shrinking).toEqual(shrinking.toSorted((a, b) => b - a));
  expect(shrinking.slice(-4, -1)).toEqual([10, 10, 10]);
  expect(Math.max(...sizes(0.008, 20))).toBe(10);
});
