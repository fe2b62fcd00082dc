import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Design } from '../../../experiment/commands/design.ts';
import { expandTemplate, measureCommands, measureTemplate } from '../../../experiment/commands/list.ts';
import type { Matrix, MatrixValues } from '../../../experiment/commands/matrix.ts';

/** A range in whole units of its last decimal, which is how a person counts. */
const range = fc
  .record({
    from: fc.integer({ min: -300, max: 300 }),
    steps: fc.nat(12),
    step: fc.integer({ min: 1, max: 50 }),
    beyond: fc.double({ min: 0, max: 0.9, noNaN: true }),
    decimals: fc.nat(9),
  })
  .map(({ from, steps, step, beyond, decimals }) => {
    const to = from + steps * step + Math.floor(beyond * step);
    const number = (units: number) => Number(written(units, decimals));
    return {
      values: { from: number(from), to: number(to), step: number(step) } as MatrixValues,
      texts: Array.from({ length: steps + 1 }, (_, index) => written(from + index * step, decimals)),
    };
  });
const list = fc
  .array(fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 5 })
  .map((values) => ({ values: values as MatrixValues, texts: values.map(String) }));
const axes = fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,4}$/), fc.oneof(range, list), {
  minKeys: 1,
  maxKeys: 3,
});
const between = fc.array(fc.constantFrom(' ', 'é', '\u0024{x}', '{}', '--a=', '"{ y }"', '{1}'), {
  minLength: 7,
  maxLength: 7,
});

/** `-1.5` of -15 with one decimal, by moving the point in the text. */
function written(units: number, decimals: number): string {
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0');
  const at = digits.length - decimals;
  const text = `${digits.slice(0, at)}.${digits.slice(at)}`.replace(/\.?0*$/, '');
  return units < 0 ? `-${text}` : text;
}

/** Every combination, one key after another, all in memory. */
function naive(
  keys: readonly string[],
  texts: Readonly<Record<string, readonly string[]>>,
): Record<string, string>[] {
  const [first, ...rest] = keys;
  if (first === undefined) return [{}];
  return (texts[first] ?? []).flatMap((text) =>
    naive(rest, texts).map((others) => ({ [first]: text, ...others })),
  );
}

describe('a matrix', () => {
  it('expands as a naive model does, and is measured without being expanded', () => {
    fc.assert(
      fc.property(axes, between, (given, texts) => {
        const keys = Object.keys(given);
        const matrix: Matrix = Object.fromEntries(keys.map((key) => [key, given[key]?.values ?? []]));
        // Each key twice, so that it must be put into two places.
        const places = [...keys, ...keys];
        const template = places.map((key, at) => `${texts[at]}{${key}:raw}`).join('');
        const expected = naive(
          keys,
          Object.fromEntries(keys.map((key) => [key, given[key]?.texts ?? []])),
        ).map((values) => places.map((key, at) => `${texts[at]}${values[key]}`).join(''));
        const expanded = expandTemplate(template, new Design({ matrix }, 'sweep'));
        expect([...expanded.lines]).toEqual(expected);
        expect([...expanded.lines]).toHaveLength(expanded.total);
        expect(expanded.bytes).toBe(measureCommands(expected, 0).bytes);
        expect(measureTemplate(template, new Design({ matrix }, 'sweep')).longest).toBe(
          expected.reduce((most, line) => Math.max(most, Buffer.byteLength(line)), 0),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('counts ranges exactly where floating point does not', () => {
    const values = (from: number, to: number, step: number) => [
      ...expandTemplate('{a}', new Design({ matrix: { a: { from, to, step } } }, 'sweep')).lines,
    ];
    expect(values(0.1, 0.3, 0.1)).toEqual(['0.1', '0.2', '0.3']);
    expect(values(0, 0.7, 0.1)).toHaveLength(8);
    expect(values(1e-7, 2e-7, 5e-8)).toEqual(['0.0000001', '0.00000015', '0.0000002']);
    expect(values(-0.1, 0.1, 0.1)).toEqual(['-0.1', '0', '0.1']);
    expect(values(1e15, 1e15 + 1, 0.5)).toEqual([
      '1000000000000000',
      '1000000000000000.5',
      '1000000000000001',
    ]);
  });
});
