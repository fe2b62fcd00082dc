import { describe, expect, it } from 'vitest';
import { byParameterClause, FailuresByParameter } from '../../../experiment/diagnosis/by-parameter.ts';

const SPEEDS = ['0.1', '0.5', '2.0'];

/** Ten seeds of each speed. */
function told(isFailed: (seed: number, speed: string) => boolean): string {
  const counts = new FailuresByParameter(['seed', 'speed']);
  for (let seed = 0; seed < 10; seed += 1)
    for (const speed of SPEEDS) counts.add([String(seed), speed], isFailed(seed, speed));
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
    const counts = new FailuresByParameter(['id']);
    for (let id = 0; id < 1100; id += 1)
      for (let again = 0; again < 3; again += 1) counts.add([String(id)], id === 5);
    expect(counts.found()).toBeUndefined();
  });
});
