import { expect, it } from 'vitest';
import { leftClause, resultsByVersion, versionsClause } from '../../../experiment/results/made-by.ts';
import { readTasks } from '../../../experiment/results/task-table.ts';
import type { Version } from '../../../experiment/results/versions.ts';
import { withVersion } from '../../../experiment/results/versions.ts';
import { aProgress, aRow, iso, START } from '../../fixtures/records.ts';

const version = (id: string, seconds: number, more: Partial<Version> = {}): Version => ({
  id,
  from: iso(seconds),
  inputs: [],
  image: null,
  environment: {},
  ...more,
});

const at = (seq: number, seconds: number, more = {}) =>
  aRow(seq, { startTime: START / 1000 + seconds, ...more });

it('results belong to the version that held when they began', async () => {
  const versions = [
    version('a', 0, { environment: { N: '1' }, image: 'sha256:1' }),
    version('b', 100),
    version('a', 200, { environment: { N: '1' }, image: 'sha256:1' }),
    version('c', 300),
  ];
  const tasks = await readTasks([
    at(1, -1),
    at(2, 0),
    at(3, 150),
    at(4, 250),
    at(5, 299.999),
    at(6, 300),
    at(7, 301, { exitval: 1 }),
  ]);
  const made = resultsByVersion(versions, tasks);
  expect(made).toEqual([
    { id: 'c', from: iso(300), tasks: 1, differs: '' },
    { id: 'a', from: iso(200), tasks: 3, differs: 'image and environment' },
    { id: 'b', from: iso(100), tasks: 1, differs: '' },
  ]);
  expect(versionsClause(made)).toBe(' 3 of 5 results were made with other image and environment.');
});

it('results of the runs that this one resumes are among them', async () => {
  const versions = [version('a', 0), version('b', 100, { environment: { N: '2' } })];
  const rows = [at(1, 10), at(2, 20, { exitval: 1 }), at(3, 30), at(2, 110)];
  const table = await readTasks(rows, START + 100_000);
  expect(resultsByVersion(versions, table).map(({ id, tasks }) => [id, tasks])).toEqual([
    ['b', 1],
    ['a', 2],
  ]);
});

it('the same version goes on, and another is added', () => {
  const first = version('a', 0);
  expect(withVersion([first], version('a', 100))).toEqual([first]);
  expect(withVersion([first], version('b', 100))).toEqual([first, version('b', 100)]);
});

it('files that left the inputs are told by the run that found them, and by none after it', () => {
  const left = { count: 7, names: ['old.py', 'b'] };
  const versions = [version('a', -10, { left })];
  expect(leftClause(versions, aProgress())).toBe(
    ' 7 files of earlier inputs are not among these inputs and still in the tasks’ folder: `old.py`, `b` and 5 more.',
  );
  expect(leftClause(versions, aProgress({ startedAt: iso(0) }))).toBe('');
});
