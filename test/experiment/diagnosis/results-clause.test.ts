import { expect, it } from 'vitest';
import { resultsClause } from '../../../experiment/diagnosis/results-clause.ts';

it.each([
  [undefined, ''],
  [{ read: 3, missing: 0, unreadable: 0 }, ''],
  [
    { read: 97, missing: 2, unreadable: 1 },
    ' Of 100 succeeded tasks, 2 left nothing and 1 left something that does not parse for `results`: their cells in `tasks.csv` are empty.',
  ],
])('%j is told as %j', (counts, said) => {
  expect(resultsClause(counts)).toBe(said);
});
