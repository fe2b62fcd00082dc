import fc from 'fast-check';
import { expect, test } from 'vitest';
import { says } from '../../../experiment/text/says.ts';

test.each([
  ['agent ab: disconnected', true],
  ['disconnect of the agent', false],
  ['agent\ndisconnect', false],
  ['agent\nagent disconnect', true],
])('two patterns are in order and on one line: %j %s', (text, isSaid) => {
  expect(says(text, /other/, [/agent/, /disconnect/])).toBe(isSaid);
});

test('two patterns say what `.*` between them does', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', 'x', '\n'), maxLength: 12 }), (text) => {
      expect(says(text, [/ab/, /x|b/])).toBe(/ab.*(x|b)/.test(text));
      expect(says(text, [/ab/s, /x|b/])).toBe(/ab.*(x|b)/s.test(text));
    }),
  );
});
