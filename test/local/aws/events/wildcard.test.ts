import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMadeOf } from '../../../../local/aws/events/wildcard.ts';

test('a pattern cut at its `*` takes what `.*` takes', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 10 });
  const part = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
  fc.assert(
    fc.property(text, fc.array(part, { minLength: 1, maxLength: 4 }), (value, parts) => {
      expect(isMadeOf(value, parts)).toBe(new RegExp(`^${parts.join('.*')}$`, 's').test(value));
    }),
  );
});
