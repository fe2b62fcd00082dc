import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  counted,
  grouped,
  nodeHoursSpoken,
  nodesNamed,
  percent,
  spoken,
} from '../../../experiment/text/numbers.ts';

describe('numbers as people say them', () => {
  test.each([
    [0.04, '40 ms'],
    [0.9999, '1 s'],
    [1.24, '1.2 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min'],
    [125, '2 min 5 s'],
    [599.6, '10 min'],
    [840, '14 min'],
    [3599, '1 h'],
    [5400, '1 h 30 min'],
    [86_399, '1 d'],
    [187_200, '2 d 4 h'],
    [Number.NaN, 'an unknown time'],
  ])('%d seconds', (seconds, text) => {
    expect(spoken(seconds)).toBe(text);
  });

  test('a time is never said as 60 of a smaller unit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e7, noNaN: true }), (seconds) => {
        expect(spoken(seconds)).not.toMatch(/\b(60 s|60 min|24 h|1000 ms)\b/);
      }),
    );
  });

  test('a longer time is never said shorter by more than rounding', () => {
    const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 };
    const back = (text: string) =>
      [...text.matchAll(/([\d.]+) (ms|s|min|h|d)/g)].reduce(
        (sum, [, n, unit]) => sum + Number(n) * (units[unit ?? ''] ?? 0),
        0,
      );
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e7, noNaN: true }), (seconds) => {
        expect(Math.abs(back(spoken(seconds)) - seconds) / seconds).toBeLessThan(0.06);
      }),
    );
  });

  test('grouped by thousands', () => {
    expect([0, 999, 1000, 1_234_567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  });

  test('one and many', () => {
    expect([counted(1, 'task'), counted(0, 'task'), counted(2, 'retry', 'retries')]).toEqual([
      '1 task',
      '0 tasks',
      '2 retries',
    ]);
  });

  test('shares are whole only when they are', () => {
    expect([0, 0.001, 0.62, 0.996, 1].map(percent)).toEqual([
      '0 %',
      'under 1 %',
      '62 %',
      'over 99 %',
      '100 %',
    ]);
  });

  test('node-hours', () => {
    expect([0, 0.054, 0.9, 1, 33.7, 1200].map(nodeHoursSpoken)).toEqual([
      '0 node-hours',
      '0.054 node-hours',
      '0.9 node-hours',
      '1 node-hour',
      '34 node-hours',
      '1,200 node-hours',
    ]);
  });

  test('nodes by name, many ones counted', () => {
    expect([nodesNamed([3]), nodesNamed([1, 2, 3]), nodesNamed([1, 2, 3, 4, 5, 6, 7])]).toEqual([
      'node 3',
      'nodes 1, 2 and 3',
      'nodes 1, 2, 3, 4 and 3 others',
    ]);
  });
});
