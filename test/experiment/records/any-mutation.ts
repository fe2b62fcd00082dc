import * as fc from 'fast-check';

type Path = readonly (string | number)[];

const ABSENT = Symbol('absent');

function deep(levels: number): unknown {
  return levels === 0 ? 0 : [deep(levels - 1)];
}

/** What stands in a field that nobody of ours wrote. */
const HOSTILE = [
  ABSENT,
  null,
  true,
  '',
  'NaN',
  '-1',
  '2026-13-45T00:00:00.000Z',
  'x'.repeat(1024 * 1024),
  -1,
  0.5,
  Number.MAX_VALUE,
  [],
  {},
  [null],
  { constructor: null, at: 'never' },
  deep(200),
];

/** The text of a record in which one field, at any depth, is something else. */
export function mutated(record: unknown): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...pathsOf(record)), fc.constantFrom(...HOSTILE))
    .map(([path, value]) => JSON.stringify(replaced(record, path, value)) ?? '');
}

function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const inner = Object.entries(value).flatMap(([key, one]) => pathsOf(one, [...path, key]));
  return [path, ...inner];
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by === ABSENT ? undefined : by;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, one]) => {
    if (name !== String(key)) return [[name, one] as const];
    return rest.length === 0 && by === ABSENT ? [] : [[name, replaced(one, rest, by)] as const];
  });
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}
