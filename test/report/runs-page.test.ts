import { describe, expect, test } from 'vitest';
import { asRunIndex, runsToRead, updatedIndex } from '../../experiment/run-list/page-index.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';
import { runRow } from '../../experiment/run-list/row.ts';
import { dataOfRunsPage, renderRunsPage } from '../../report/runs-page.ts';
import { HOSTILE } from './sample-runs.ts';

const MADE_AT = Date.UTC(2026, 10, 24, 12);
const row = (more: Partial<RunRow> = {}): RunRow => ({
  runId: 'speed-sweep-0123456789a',
  name: 'speed-sweep',
  state: 'succeeded',
  headline: 'Succeeded: 200 of 200 tasks.',
  at: '2026-11-24T09:30:00.000Z',
  endedAt: '2026-11-24T09:44:00.000Z',
  tasks: { total: 200, succeeded: 200, failed: 0 },
  nodes: 4,
  nodeHours: 0.93,
  ...more,
});
const page = (rows: readonly RunRow[], more = {}) =>
  renderRunsPage({ rows, bucket: 'lab', madeAt: MADE_AT, ...more });

describe('the page of runs', () => {
  test('tells each run, the newest first, with a link to its report', () => {
    const text = page([
      row(),
      row({ runId: 'arena-0000000000b', name: 'arena', at: '2026-11-24T10:00:00.000Z', state: 'failed' }),
    ]);
    expect(text.indexOf('arena-0000000000b')).toBeLessThan(text.indexOf('speed-sweep-0123456789a'));
    expect(text).toContain('<a href="runs/arena-0000000000b/report.html"><b>arena</b>-0000000000b</a>');
    expect(text).toContain('14 min');
    expect(text).toContain('2 runs in <code>lab</code>, as of 24 Nov 2026, 12:00 UTC.');
  });

  test('a run that goes on has no end and no report yet', () => {
    const { endedAt: _, ...underway } = row({ state: 'running' });
    const text = page([underway]);
    expect(text).toContain('href="runs/speed-sweep-0123456789a/status.json"');
    expect(text).toContain('1 run, 1 under way');
    expect(text).not.toContain('14 min');
  });

  test('says how many older runs it leaves out, and that there is none at all', () => {
    expect(
      page([row()], { older: Array.from({ length: 40 }, (_, at) => `old-${String(at).padStart(11, '0')}`) }),
    ).toContain('41 runs, the latest 1 of them here, in');
    expect(page([])).toContain('None yet');
  });

  test('may ask its own server only where it is to follow runs', () => {
    expect(page([row()])).not.toContain('connect-src');
    expect(page([row()], { refreshSeconds: 2 })).toContain("connect-src 'self'");
  });

  test('hostile text changes none of its tags', () => {
    const tags = (text: string) =>
      [...text.replace(/<(script|style)>.*?<\/\1>/gs, '').matchAll(/<[a-z/][^>]*>/g)].map(([tag]) =>
        tag.replaceAll(/="[^"]*"/g, ''),
      );
    const hostile = row({ name: HOSTILE, headline: HOSTILE.repeat(1000), at: HOSTILE });
    expect(tags(page([hostile], { bucket: HOSTILE }))).toEqual(tags(page([row({ at: 'x' })])));
    const { headline } = runRow(
      { runId: 'a-00000000000', state: 'failed', history: [], headline: HOSTILE.repeat(3000) },
      {},
    );
    expect(headline.length).toBeLessThan(500);
  });
});

describe('what a page holds for the next one', () => {
  test('comes back as it was, whatever text is in it', () => {
    const rows = [
      row({ headline: HOSTILE }),
      row({ runId: 'b-00000000000', state: 'running', at: '2026-11-23T00:00:00.000Z' }),
    ];
    const older = ['c-00000000000'];
    const index = asRunIndex(dataOfRunsPage(page(rows, { older })));
    expect(index).toEqual({ rows: JSON.parse(JSON.stringify(rows)), older });
  });

  test('is nothing where the page is not ours', () => {
    for (const text of [
      '',
      '<script type="application/json" id="runs-data">{</script>',
      page([]).replaceAll('rows', 'x'),
    ])
      expect(asRunIndex(dataOfRunsPage(text)).rows).toEqual([]);
  });
});

describe('the index of runs', () => {
  const listed = (runIds: string[], complete = true) => ({ runIds, complete });
  const id = (at: number) => `run-${String(at).padStart(11, '0')}`;

  test('reads the ended run, those that went on and the unknown, each in its turn', () => {
    const index = {
      rows: [
        row({ runId: id(1) }),
        row({ runId: id(2), state: 'running' }),
        row({ runId: id(3), state: 'running' }),
      ],
      older: [id(4)],
    };
    expect(runsToRead(id(7), index, listed([1, 2, 4, 5, 6, 7, 8].map(id)))).toEqual([7, 2, 8, 5, 6].map(id));
    const many = Array.from({ length: 500 }, (_, at) => id(at + 10));
    expect(runsToRead(id(7), index, listed(many))).toHaveLength(100);
  });

  test('forgets runs whose folder is gone, and none of which the list does not tell', () => {
    const index = { rows: [row({ runId: id(1) }), row({ runId: id(9) })], older: [id(2), id(8)] };
    const ids = (one: ReturnType<typeof updatedIndex>) => [one.rows.map(({ runId }) => runId), one.older];
    expect(ids(updatedIndex(index, [], listed([id(1), id(8)])))).toEqual([[id(1)], [id(8)]]);
    expect(ids(updatedIndex(index, [], listed([id(1)], false)))).toEqual([
      [id(1), id(9)],
      [id(2), id(8)],
    ]);
    expect(ids(updatedIndex(index, [row({ runId: id(5) })], listed([])))).toEqual([[id(5)], []]);
  });

  test('shows the latest two thousand and knows the others', () => {
    const rows = Array.from({ length: 2100 }, (_, at) =>
      row({ runId: id(at), at: new Date(at * 1000).toISOString() }),
    );
    const updated = updatedIndex(
      { rows: [], older: [] },
      rows,
      listed([...rows.map(({ runId }) => runId), 'x']),
    );
    expect(updated.rows[0]?.runId).toBe(id(2099));
    expect(updated.rows).toHaveLength(2000);
    expect(new Set(updated.older)).toEqual(new Set(Array.from({ length: 100 }, (_, at) => id(at))));
  });
});

describe('a run as a row', () => {
  const status = {
    runId: 'speed-sweep-0123456789a',
    state: 'running' as const,
    headline: 'Running.',
    history: [
      { state: 'submitted' as const, at: '2026-11-24T09:30:00.000Z' },
      { state: 'running' as const, at: '2026-11-24T09:34:00.000Z' },
    ],
  };
  const tasks = { total: 9, succeeded: 3, failed: 1, retried: 0, lost: 0, running: 2 };

  test('under way, from what node 0 tells', () => {
    const progress = { tasks, nodes: { expected: 4, joined: 4, lost: 0 }, nodeHours: 0.1 };
    expect(runRow(status, { progress })).toEqual({
      runId: status.runId,
      name: 'speed-sweep',
      state: 'running',
      headline: 'Running.',
      at: '2026-11-24T09:30:00.000Z',
      tasks: { total: 9, succeeded: 3, failed: 1 },
      nodes: 4,
      nodeHours: 0.1,
    });
  });

  test('of which nothing but its acceptance is known', () => {
    expect(runRow({ ...status, state: 'submitted' }, {})).not.toHaveProperty('tasks');
    expect(runRow({ ...status, history: [] }, {}).at).toBe('');
  });
});
