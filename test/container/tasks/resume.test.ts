import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { alreadyDone, renumberRows } from '../../../container/tasks/resume.ts';
import {
  JOBLOG_HEADER,
  parseJoblog,
  renderJoblog,
  renderJoblogRow,
} from '../../../experiment/results/joblog.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { aRow } from '../../fixtures/records.ts';

function aJoblog(text: string): string {
  const path = join(folderOfItsOwn(), 'joblog');
  writeFileSync(path, text);
  return path;
}

it('a shorter list than the last time is done as far as its own tasks are', async () => {
  const rows = [1, 2, 3, 4, 5].map((seq) => aRow(seq, { exitval: seq === 2 ? 1 : 0 }));
  const { done, rows: kept } = await alreadyDone(aJoblog(renderJoblog(rows)), 3);
  expect([...done]).toEqual([1, 3]);
  expect(kept.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

it('what is done are the tasks whose last whole row is a success, whatever the joblog', async () => {
  const folder = folderOfItsOwn();
  const anyRow = fc.record({
    seq: fc.integer({ min: 1, max: 9 }),
    exitval: fc.constantFrom(0, 0, 1),
    signal: fc.constantFrom(0, 0, 9),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anyRow, { maxLength: 30 }), fc.nat(9), fc.nat(60), async (rows, total, cut) => {
      const text = renderJoblog(rows.map(({ seq, ...more }) => aRow(seq, { ...more, command: 'größe' })));
      const bytes = Buffer.from(text);
      const left = bytes.subarray(0, Math.max(0, bytes.length - cut));
      const path = join(folder, 'joblog');
      writeFileSync(path, left);
      const last = new Map(parseJoblog(left.toString('latin1')).map((row) => [row.seq, row]));
      const good = [...last.values()].filter(
        ({ seq, exitval, signal }) => seq <= total && exitval === 0 && signal === 0,
      );
      const { done } = await alreadyDone(path, total);
      expect([...done].toSorted()).toEqual(good.map(({ seq }) => seq).toSorted());
      // Whoever appends goes on behind a whole row.
      expect(readFileSync(path).equals(left.subarray(0, left.lastIndexOf(10) + 1))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it('without a joblog nothing is done', async () => {
  expect(await alreadyDone(join(folderOfItsOwn(), 'joblog'), 5)).toEqual({ done: new Set(), rows: [] });
});

it('a run that resumes another begins with one row of success for each task that is done, and takes out nothing later', async () => {
  const rows = [
    aRow(2),
    aRow(1, { exitval: 1 }),
    aRow(3, { exitval: 1 }),
    aRow(1),
    aRow(2, { exitval: 1 }),
    aRow(4),
  ];
  const path = aJoblog(renderJoblog(rows));
  const before = readFileSync(path, 'utf8');
  expect((await alreadyDone(path, 4)).rows).toEqual(rows);
  expect(readFileSync(path, 'utf8')).toBe(before);
  const { done, rows: given } = await alreadyDone(path, 4, true);
  expect([...done]).toEqual([1, 4]);
  expect(given).toEqual([rows[3], rows[5]]);
  expect(readFileSync(path, 'utf8')).toBe(renderJoblog(given));
});

it('rows get the numbers of their tasks, those of other tasks go, and every other byte stays as it is', async () => {
  const rows = [aRow(1), aRow(2), aRow(3, { command: 'größe\t\t2' }), aRow(2, { exitval: 1 }), aRow(12)];
  const path = aJoblog(renderJoblog(rows));
  expect(await renumberRows(path, ({ seq }) => (seq === 2 ? undefined : seq + 100))).toBe(2);
  const left = [rows[0], rows[2], rows[4]].flatMap((row) =>
    row === undefined ? [] : [renderJoblogRow({ ...row, seq: row.seq + 100 })],
  );
  expect(readFileSync(path, 'utf8')).toBe(`${[JOBLOG_HEADER, ...left].join('\n')}\n`);
});
