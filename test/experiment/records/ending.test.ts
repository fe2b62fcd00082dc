import { expect, it } from 'vitest';
import { endingOf, endingWords, shellCode } from '../../../experiment/records/ending.ts';

it.each([
  ['succeeded', 0, 0, 1],
  ['exit 3', 3, 0, 1],
  ['signal 9 (KILL)', 137, 0, 1],
  ['signal 9 (KILL)', 0, 9, 1],
  ['signal 40', 0, 40, 1],
  // Codes over 128 that are no signal: a program's own, `sys.exit(-1)`.
  ['exit 255', 255, 0, 1],
  ['exit 200', 200, 0, 1],
  ['time limit', 124, 0, 10.02],
  ['exit 124', 124, 0, 9.99],
  ['output limit', 153, 0, 1],
])('%s is what %d/%d after %d s with a limit of 10 s is called', (words, exitval, signal, runtime) => {
  const ending = endingOf({ exitval, signal, runtime }, 10);
  expect(endingWords(ending)).toBe(words);
  expect(shellCode(ending)).toBe(signal > 0 ? 128 + signal : exitval);
});

it('without a limit nobody reached one', () => {
  expect(endingOf({ exitval: 124, signal: 0, runtime: 1e9 })).toEqual({ kind: 'exit', code: 124 });
});
