import * as fc from 'fast-check';
import { HOSTILE_VALUES, pathsOf, replaced } from '../../fixtures/hostile-records.ts';

/** The text of a record in which one field, at any depth, is something else. */
export function mutated(record: unknown): fc.Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...pathsOf(record)), fc.constantFrom(...HOSTILE_VALUES))
    .map(([path, value]) => JSON.stringify(replaced(record, path, value)) ?? '');
}
