import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DesignParts } from '../../../experiment/commands/design.ts';
import { Design, replicateSeeds } from '../../../experiment/commands/design.ts';
import { expandTemplate, measureCommands, measureTemplate } from '../../../experiment/commands/list.ts';

const value = fc.constantFrom('1', '02', 'x', 'a b');
const list = fc.array(value, { minLength: 1, maxLength: 3 });
const parts = fc.record({
  matrix: fc.dictionary(fc.constantFrom('a', 'b', 'c'), list, { maxKeys: 3 }),
  zip: fc.option(
    fc
      .tuple(list, fc.nat(2))
      .map(([p, turn]) => ({ p, q: p.map((_, at) => p[(at + turn) % p.length] ?? '') })),
    { nil: undefined },
  ),
  replicates: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  exclude: fc.array(
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'p', 'q', 't', 'replicate'), value, { minKeys: 1 }),
    { maxLength: 4 },
  ),
});

type Row = Record<string, string>;

/** All rows of each part, crossed one after another, and then those taken away that are excluded. */
function naive({ matrix = {}, zip, replicates, exclude = [] }: DesignParts, table: Row[]): Row[] {
  const factors: Row[][] = [table];
  if (zip !== undefined)
    factors.push((zip.p ?? []).map((p, at) => ({ p: String(p), q: String(zip.q?.[at]) })));
  for (const [key, values] of Object.entries(matrix))
    factors.push((Array.isArray(values) ? values : []).map((each) => ({ [key]: String(each) })));
  if (replicates !== undefined)
    factors.push(
      replicateSeeds('sweep', replicates).map((seed, at) => ({
        replicate: String(at + 1),
        replicateSeed: String(seed),
      })),
    );
  const all = factors.reduce<Row[]>(
    (rows, factor) => rows.flatMap((row) => factor.map((more) => ({ ...row, ...more }))),
    [{}],
  );
  return all.filter(
    (row) => !exclude.some((entry) => Object.entries(entry).every(([key, each]) => row[key] === each)),
  );
}

test('a design is what a naive model makes of it, row of a table by row', () => {
  fc.assert(
    fc.property(parts, fc.array(value, { minLength: 1, maxLength: 3 }), (given, table) => {
      const design = new Design(given, 'sweep', ['t']);
      const rows: unknown[] = [];
      for (const cell of table)
        for (const values of design.combinations([cell]))
          rows.push(Object.fromEntries(design.keys.map((key, at) => [key, values[at]])));
      expect(rows).toEqual(
        naive(
          given,
          table.map((t) => ({ t })),
        ),
      );
    }),
    { numRuns: 500 },
  );
});

test('a design without a table is measured without its commands being made', () => {
  fc.assert(
    fc.property(parts, (given) => {
      const design = new Design(given, 'sweep');
      const template = `x ${design.keys.map((key) => `{${key}} '{${key}}' {${key}:raw}`).join(' ')}`;
      const { lines, total, bytes } = expandTemplate(template, design);
      const all = [...lines];
      expect({ total, bytes }).toEqual({ total: all.length, bytes: measureCommands(all, 0).bytes });
      const longest = Math.max(0, ...all.map((line) => Buffer.byteLength(line)));
      expect(measureTemplate(template, design).longest).toBeGreaterThanOrEqual(longest);
    }),
    { numRuns: 300 },
  );
});

test('seeds come from the name and the number alone, and no two are the same', () => {
  const seeds = replicateSeeds('sweep', 10_000);
  expect(seeds.slice(0, 3)).toEqual(replicateSeeds('sweep', 3));
  expect(new Set(seeds).size).toBe(10_000);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed > 0 && seed < 2 ** 31)).toBe(true);
  expect(replicateSeeds('other', 3)).not.toEqual(seeds.slice(0, 3));
});
