import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureSignature } from '../../../../experiment/diagnosis/failed-tasks/signature.ts';

const exit1 = (stderrTail: string) => failureSignature({ kind: 'exit', code: 1 }, stderrTail);

describe('the signature of a failure', () => {
  test.each([
    ['a\nValueError: seed 12 gives 3.5\n\n', 'exit 1: ValueError: seed # gives #'],
    ['at 0x7ffdeadbeef and a1b2c3d4-aaaa-bbbb-cccc-0123456789ab', 'exit 1: at # and #'],
    [
      'bad block deadbeef-cafebabe of 0123456789abcdef, not of deadbeef',
      'exit 1: bad block # of #, not of deadbeef',
    ],
    ['\u001b[31mred\u001b[0m   7', 'exit 1: red #'],
    ['50 %\r100 %\rfailed', 'exit 1: failed'],
    ['', 'exit 1'],
    [' \n\t\n', 'exit 1'],
    ['/tmp/par-job-12_XOW65: line 2: sim: command not found', 'exit 1: bash: sim: command not found'],
    ['/a/home/par-job-7: line 2: sim: command not found', 'exit 1: bash: sim: command not found'],
    ['last words\n/tmp/par-job-7_a: line 2: 4242 Killed       ./sim --as bob\n', 'exit 1: last words'],
    ['/tmp/par-job-7_a: line 2:  4242 Segmentation fault      ./sim --as bob', 'exit 1'],
  ])('%j', (stderr, signature) => {
    expect(exit1(stderr)).toBe(signature);
  });

  test('a hash inside a file name is part of the name', () => {
    const name = `cache/${'0123456789abcdef'.repeat(8)}_part.npz`;
    expect(exit1(`cannot read ${name}\n`)).toBe(
      `exit 1: cannot read ${name.replaceAll(/\d+/g, '#')}`.slice(0, 208),
    );
  });

  test('tasks that differ by numbers only are one group, those that differ by code are not', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.stringMatching(/^[g-z ]{0,20}$/), (a, b, words) => {
        expect(exit1(`${words} ${a}!`)).toBe(exit1(`${words} ${b}!`));
        expect(failureSignature({ kind: 'exit', code: 2 }, words)).not.toBe(exit1(words));
      }),
    );
  });

  test('any text gives one short printable line, quickly', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 5000 }), (text) => {
        const signature = exit1(text);
        expect(signature.length).toBeLessThanOrEqual(220);
        expect(signature).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
        expect(signature.isWellFormed()).toBe(true);
      }),
    );
    expect(exit1(`x\n${'7 '.repeat(5_000_000)}`).length).toBeLessThanOrEqual(220);
  });
});
