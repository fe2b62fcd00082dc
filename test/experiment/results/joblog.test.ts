import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import {
  JOBLOG_HEADER,
  parseJoblog,
  parseJoblogRow,
  renderJoblog,
  renderJoblogRow,
  streamedRows,
  succeeded,
} from '../../../experiment/results/joblog.ts';

const thousandths = (max: number) => fc.integer({ min: 0, max }).map((value) => value / 1000);
const rowArbitrary: fc.Arbitrary<JoblogRow> = fc.record({
  seq: fc.integer({ min: 1, max: 1_000_000 }),
  host: fc.stringMatching(/^[A-Za-z0-9.:@-]{1,30}$/),
  startTime: thousandths(4e12),
  runtime: thousandths(1e9),
  send: fc.nat(),
  receive: fc.nat(),
  exitval: fc.integer({ min: 0, max: 255 }),
  signal: fc.integer({ min: 0, max: 64 }),
  command: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')),
});

describe('the joblog', () => {
  it('reads back every row it writes, tabs in the command included', () => {
    fc.assert(
      fc.property(rowArbitrary, (row) => {
        expect(parseJoblogRow(renderJoblogRow(row))).toEqual(row);
      }),
    );
  });

  it('keeps the last row of a sequence number, as a resumed run appends', () => {
    fc.assert(
      fc.property(fc.array(rowArbitrary), (rows) => {
        const last = new Map(rows.map((row) => [row.seq, row]));
        expect(new Map(parseJoblog(renderJoblog(rows)).map((row) => [row.seq, row]))).toEqual(last);
      }),
    );
  });

  it("reads GNU parallel's own text", () => {
    const text = `${JOBLOG_HEADER}\n2\t10.0.1.11\t1700000000.123\t     0.456\t0\t5\t7\t0\techo\ta; exit 7\n`;
    expect(parseJoblog(text)).toEqual([
      {
        seq: 2,
        host: '10.0.1.11',
        startTime: 1700000000.123,
        runtime: 0.456,
        send: 0,
        receive: 5,
        exitval: 7,
        signal: 0,
        command: 'echo\ta; exit 7',
      },
    ]);
  });

  it('leaves out a row that a crash cut off, wherever it was cut', () => {
    const whole = renderJoblog([
      {
        seq: 1,
        host: 'a',
        startTime: 1,
        runtime: 1,
        send: 0,
        receive: 0,
        exitval: 0,
        signal: 0,
        command: 'true',
      },
      {
        seq: 2,
        host: 'a',
        startTime: 1,
        runtime: 1,
        send: 0,
        receive: 0,
        exitval: 0,
        signal: 0,
        command: 'true',
      },
    ]);
    const second = whole.indexOf('\n2\t') + 1;
    for (let cut = second; cut < whole.length; cut += 1) {
      expect(parseJoblog(whole.slice(0, cut)).map((row) => row.seq)).toEqual([1]);
    }
    expect(parseJoblog(whole).map((row) => row.seq)).toEqual([1, 2]);
  });

  it('counts neither an exit value nor a signal as success', () => {
    expect([
      succeeded({ exitval: 0, signal: 0 }),
      succeeded({ exitval: 1, signal: 0 }),
      succeeded({ exitval: 0, signal: 9 }),
    ]).toEqual([true, false, false]);
  });
});

it('of rows that come without end as many are read as a run can have', async () => {
  async function* endless() {
    for (let seq = 1; ; seq += 1) yield Buffer.from(`${seq}\th\t1\t1\t0\t0\t0\t0\tx\n`);
  }
  const rows = [];
  for await (const { seq } of streamedRows(endless(), 3)) rows.push(seq);
  expect(rows).toEqual([1, 2, 3]);
});
