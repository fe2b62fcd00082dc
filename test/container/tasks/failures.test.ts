import { describe, expect, it } from 'vitest';
import { Failures } from '../../../container/tasks/failures.ts';
import { endingOf } from '../../../experiment/records/ending.ts';
import { lastLines, NotedEndings } from '../../../experiment/results/last-lines.ts';
import { aRow } from '../../fixtures/records.ts';

const failed = (seq: number, exitval = 1) => {
  const row = aRow(seq, { exitval });
  return [row, endingOf(row)] as const;
};
const read = (text: string) => new Map([...lastLines(text)].map((line) => [line.seq, line]));

describe('failures', () => {
  it('keep a line of every one, and the output of the first hundred of each kind', () => {
    const failures = new Failures();
    const kept = Array.from({ length: 250 }, (_, at) =>
      failures.add(...failed(at + 1, at < 200 ? 1 : 2), `a trace\ndiverged at ${at + 1}\n`),
    ).filter(({ isKept }) => isKept);
    expect(kept.map(({ row }) => row.seq)).toEqual([
      ...Array.from({ length: 100 }, (_, at) => at + 1),
      ...Array.from({ length: 50 }, (_, at) => at + 201),
    ]);
    const lines = read(failures.lastLines().toString());
    expect(lines.size).toBe(250);
    expect(lines.get(250)).toEqual({
      seq: 250,
      startTime: aRow(250).startTime,
      ending: undefined,
      line: 'diverged at 250',
    });
    expect(failures.groups()).toEqual([
      { signature: 'exit 1: diverged at #', count: 200, example: 1, line: 'diverged at 1' },
      { signature: 'exit 2: diverged at #', count: 50, example: 201, line: 'diverged at 201' },
    ]);
  });

  it('keep a thousand in all', () => {
    const failures = new Failures();
    const all = Array.from({ length: 1500 }, (_, at) => failures.add(...failed(at + 1, 1 + (at % 100)), ''));
    expect(all.filter(({ isKept }) => isKept)).toHaveLength(1000);
  });

  it('tell what nobody read from silence, cut long lines, and keep them in one', () => {
    const failures = new Failures();
    failures.add(...failed(1), undefined);
    failures.add(...failed(2), '');
    failures.addTry(...failed(3), `a\tb ${'é'.repeat(300)}\n`);
    failures.add(...failed(3), 'the last try counts');
    const text = failures.lastLines().toString();
    const lines = read(text);
    expect([1, 2, 3].map((seq) => lines.get(seq)?.line)).toEqual([undefined, '', 'the last try counts']);
    expect(text.split('\n').every((line) => Buffer.byteLength(line) < 240)).toBe(true);
    expect(read('1\t1\n\u0000\n9999999999999\t1.000\texit 1\tx\n4\t1.000\texit 1\ta\tb\n').size).toBe(0);
  });
});

it.each(['memory', 'time-limit', 'output-limit', 'lost'] as const)(
  'what no row says stands beside its line: %s',
  (kind) => {
    const failures = new Failures();
    const row = aRow(7, { exitval: 137, startTime: 1_790_000_000.123 });
    failures.add(row, { kind }, 'words');
    failures.add(aRow(8, { exitval: 3 }), { kind: 'exit', code: 3 }, '');
    const text = failures.lastLines().toString();
    const noted = new NotedEndings();
    for (const line of lastLines(text)) noted.add(line);
    expect(noted.of(row)).toEqual({ kind });
    expect(noted.of({ ...row, startTime: row.startTime + 0.001 })).toBeUndefined();
    expect(text.split('\n')[2]).toMatch(/^8\t[\d.]+\texit 3\t$/);
  },
);
