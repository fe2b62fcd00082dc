import { describe, expect, it } from 'vitest';
import { byParameterClause, ParameterCounts } from '../../../experiment/diagnosis/by-parameter.ts';

const SPEEDS = ['0.1', '0.5', '2.0'];

/** Ten seeds of each speed. */
function told(isFailed: (seed: number, speed: string) => boolean): string {
  const counts = new ParameterCounts(['seed', 'speed'], 1);
  for (let seed = 0; seed < 10; seed += 1)
    for (const speed of SPEEDS) counts.add([String(seed), speed], isFailed(seed, speed) ? undefined : 1);
  return byParameterClause(counts.found());
}

describe('the value that failures go with', () => {
  it('is told with its support and with what speaks against it', () => {
    expect(told((_, speed) => speed === '2.0')).toBe(
      ' All 10 tasks with speed = 2.0 failed, and none of the 20 others.',
    );
    expect(told((seed, speed) => (speed === '2.0' ? seed !== 4 : seed === 7 && speed === '0.1'))).toBe(
      ' 9 of 10 tasks with speed = 2.0 failed, and 1 of the 20 others.',
    );
    expect(told((seed) => seed === 3)).toBe(' All 3 tasks with seed = 3 failed, and none of the 27 others.');
  });

  it('is not told where two tasks, a half, or others as well failed', () => {
    expect(told((seed, speed) => speed === '2.0' && seed < 2)).toBe('');
    expect(told((seed, speed) => speed === '2.0' && seed < 8)).toBe('');
    expect(told((seed, speed) => speed === '2.0' || seed < 3)).toBe('');
    expect(told(() => true)).toBe('');
    expect(told(() => false)).toBe('');
  });

  it('is none of a parameter that numbers the tasks', () => {
    const counts = new ParameterCounts(['id'], 1);
    for (let id = 0; id < 1100; id += 1)
      for (let again = 0; again < 3; again += 1) counts.add([String(id)], id === 5 ? undefined : 1);
    expect(byParameterClause(counts.found())).toBe('');
  });
});

describe('the value that slow tasks go with', () => {
  /** Ten seeds of each speed, one of which fails; the fastest quarter took 1 s. */
  function slow(secondsOf: (seed: number, speed: string) => number, quarter = 1) {
    const counts = new ParameterCounts(['seed', 'speed'], quarter);
    for (let seed = 0; seed < 10; seed += 1)
      for (const speed of SPEEDS)
        counts.add([String(seed), speed], seed === 9 ? undefined : secondsOf(seed, speed));
    return counts.found();
  }

  it('is told of tasks that succeeded, with what they are held against', () => {
    expect(byParameterClause(slow((_, speed) => (speed === '2.0' ? 2.1 : 1)))).toBe(
      ' All 3 tasks with seed = 9 failed, and none of the 27 others. All 9 tasks with speed = 2.0 took over 2 s (the fastest quarter of all: 1 s at most), and none of the 18 others.',
    );
    const tables = slow((_, speed) => (speed === '2.0' ? 3 : 1)).tables;
    expect(tables.find(({ key }) => key === 'speed')?.values).toEqual([
      { value: '0.1', tasks: 10, failed: 1, slow: 0, seconds: 9 },
      { value: '0.5', tasks: 10, failed: 1, slow: 0, seconds: 9 },
      { value: '2.0', tasks: 10, failed: 1, slow: 9, seconds: 27 },
    ]);
  });

  it('is none where others are as slow, or where all took under a second', () => {
    expect(slow((_, speed) => (speed === '2.0' ? 2 : 1)).slow).toBeUndefined();
    expect(slow((seed) => (seed < 4 ? 3 : 1)).slow).toBeUndefined();
    expect(slow((_, speed) => (speed === '2.0' ? 0.9 : 0.01), 0.01).slow).toBeUndefined();
    expect(slow((_, speed) => (speed === '2.0' ? 1.1 : 0.01), 0.01).slow?.value).toBe('2.0');
  });
});
