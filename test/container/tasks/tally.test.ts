import { expect, it } from 'vitest';
import { TaskTally } from '../../../container/tasks/tally.ts';
import { joblogRows } from '../../../experiment/results/joblog.ts';
import { aRow } from '../../fixtures/records.ts';

const failed = { exitval: 1 };
const rowsOf = (tally: TaskTally) =>
  joblogRows(tally.joblog().toString()).map(({ seq, exitval }) => [seq, exitval]);

it('the joblog has every try in the order in which they ended, and begins with the rows that were there', () => {
  const earlier = [aRow(4), aRow(2, failed)];
  const tally = new TaskTally(4, earlier);
  const began = tally.joblog();
  tally.retried(aRow(3, failed));
  tally.ended(aRow(1), 0);
  tally.ended(aRow(3), 0);
  tally.ended(aRow(2, failed), 0);
  expect(rowsOf(tally)).toEqual([
    [4, 0],
    [2, 1],
    [3, 1],
    [1, 0],
    [3, 0],
    [2, 1],
  ]);
  expect(tally.joblog().subarray(0, began.length).equals(began)).toBe(true);
  expect(tally.counts()).toMatchObject({ total: 4, succeeded: 3, failed: 1, retried: 2 });
});

it('a task that another attempt failed is not done until it has run again', () => {
  const tally = new TaskTally(2, [aRow(1, failed)]);
  expect(tally.counts()).toMatchObject({ succeeded: 0, failed: 0, retried: 0 });
  tally.ended(aRow(1), 0);
  expect(tally.counts()).toMatchObject({ succeeded: 1, failed: 0, retried: 1 });
});
