import { expect, it } from 'vitest';
import { mostAtOnce } from '../../../experiment/figures/at-once.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import { aRow } from '../../fixtures/records.ts';

it('tasks at once are counted by node, of this attempt, and what ends as another begins is not there with it', async () => {
  const at = (seq: number, host: string, startTime: number, runtime: number) =>
    aRow(seq, { host, startTime, runtime });
  const tasks = await readTasks([
    ...[1, 2, 3].map((seq) => at(seq, 'a', 10, 5)),
    at(4, 'a', 100, 5),
    at(5, 'a', 105, 5),
    at(6, 'a', 110, 5),
    at(7, 'b', 100, 1),
  ]);
  expect(mostAtOnce(tasks, Number.NEGATIVE_INFINITY)).toEqual(
    new Map([
      ['a', 3],
      ['b', 1],
    ]),
  );
  expect(mostAtOnce(tasks, 100_000).get('a')).toBe(1);
});
