import { inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { TaskRows, taskColumns } from '../../experiment/results/task-rows.ts';
import { readTasks } from '../../experiment/results/task-table.ts';
import { busyShare } from '../../report/client/timeline/busy-share.ts';
import { hoverText } from '../../report/client/timeline/hover.ts';
import { firstBarAfter, layOut } from '../../report/client/timeline/rows.ts';
import { moved, offset, tickStep, zoomed } from '../../report/client/timeline/view.ts';
import { Endings } from '../../report/timeline/endings.ts';
import type { Bar, BarKind } from '../../report/timeline/format.ts';
import { BAR, decodeLanes, encodeLanes } from '../../report/timeline/format.ts';
import { arrangeLanes } from '../../report/timeline/lanes.ts';
import { timelineData } from '../../report/timeline/timeline.ts';
import { Tries } from '../../report/timeline/tries.ts';
import { aNode, aRow, START } from '../fixtures/records.ts';
import { SAMPLES, sampleReport } from './sample-runs.ts';

const ORIGIN = 1_764_000_000_000;
const anyBar = fc.record({
  seq: fc.integer({ min: 1, max: 2 ** 24 }),
  start: fc.integer({ min: 0, max: 14 * 86_400_000 }),
  duration: fc.integer({ min: 0, max: 14 * 86_400_000 }),
  kind: fc.constantFrom<BarKind>(0, 1, 2),
  ending: fc.integer({ min: 0, max: 400 }),
});
const anyRow = fc.record({
  seq: fc.integer({ min: 1, max: 60 }),
  host: fc.constantFrom('10.0.0.1', '10.0.0.2', 'stranger'),
  startTime: fc.integer({ min: 0, max: 50_000 }).map((ms) => (ORIGIN + ms) / 1000),
  runtime: fc.integer({ min: 0, max: 20_000 }).map((ms) => ms / 1000),
  send: fc.constant(0),
  receive: fc.constant(0),
  exitval: fc.constantFrom(0, 1),
  signal: fc.constant(0),
  command: fc.constant('x'),
});

function barsOfLanes(input: Parameters<typeof arrangeLanes>[0], origin: number) {
  const tries = new Tries(input, origin, new Endings());
  return arrangeLanes(input, tries).map(({ address, lanes }) => ({
    address,
    lanes: lanes.map((lane) => lane.map((place) => tries.bar(place))),
  }));
}

describe('lanes', () => {
  test('what is decoded is what was encoded', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyBar, { maxLength: 20 }), { maxLength: 8 }), (lanes) => {
        const bars = lanes.flat();
        const decoded = decodeLanes(encodeLanes(lanes), lanes.length, bars.length);
        const back = lanes.map((_, lane) => barsOf(decoded, lane));
        const failedOnly = (bar: Bar): Bar => (bar.kind === BAR.succeeded ? { ...bar, ending: 0 } : bar);
        expect(back).toEqual(lanes.map((lane) => lane.map(failedOnly)));
      }),
    );
  });

  test('every try is in one lane of its node, and none overlaps another there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 80 }), async (rows: JoblogRow[]) => {
        const tasks = await readTasks(rows);
        const nodes = [1, 2].map((n) => ({
          index: n - 1,
          address: `10.0.0.${n}`,
          slots: 3,
          state: 'released' as const,
          tasks: 0,
          busySeconds: 0,
        }));
        const arranged = barsOfLanes({ tasks, nodes }, ORIGIN);
        const drawn = arranged.flatMap(({ lanes }) => lanes.flat()).map(({ seq }) => seq);
        expect(drawn.toSorted((a, b) => a - b)).toEqual(rows.map(({ seq }) => seq).toSorted((a, b) => a - b));
        for (const { lanes } of arranged) {
          for (const lane of lanes) {
            for (const [at, bar] of lane.entries()) {
              const before = lane[at - 1];
              if (before !== undefined)
                expect(bar.start + 2).toBeGreaterThanOrEqual(before.start + before.duration);
            }
          }
        }
      }),
    );
  });

  test('the table of tasks has the slot in which the timeline draws the last try', async () => {
    const anyOpen = fc.record({
      seq: fc.integer({ min: 61, max: 70 }),
      node: fc.constantFrom(0, 1, 7),
      startedAt: fc.nat(50_000).map((ms) => new Date(ORIGIN + ms).toISOString()),
      endedAt: fc.constant(new Date(ORIGIN + 60_000).toISOString()),
      end: fc.constantFrom('lost', 'cut-off'),
    });
    const anyOpens = fc.uniqueArray(anyOpen, { maxLength: 10, selector: ({ seq }) => seq });
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 80 }), anyOpens, async (rows, open) => {
        const tasks = await readTasks(rows);
        const nodes = [
          aNode(0, { address: '10.0.0.1', slots: 3 }),
          aNode(1, { address: '10.0.0.2', slots: 3 }),
        ];
        const drawn = barsOfLanes({ tasks, nodes, open }, ORIGIN).flatMap(({ address, lanes }) =>
          lanes.flatMap((lane, at) =>
            lane.flatMap(({ seq, kind }) => (kind === BAR.retried ? [] : [[seq, address, at + 1]])),
          ),
        );
        const table = new TaskRows({ tasks, nodes, open, stderrTails: new Map(), versions: [] });
        const column = (name: string) => taskColumns([], []).findIndex((one) => one.name === name);
        const told = drawn.map(([seq]) => {
          const cells = table.row(Number(seq), [], null, []);
          return [seq, cells[column('node')], cells[column('slot')]];
        });
        expect(told).toEqual(drawn);
      }),
    );
  });

  test('rows that all overlap, as no machine could run them, are drawn in a bounded number of lanes', async () => {
    const tasks = await readTasks(Array.from({ length: 5000 }, (_, index) => aRow(index + 1)));
    const [node] = barsOfLanes({ tasks, nodes: [] }, START);
    expect(node?.lanes).toHaveLength(4096);
    expect(node?.lanes.flat()).toHaveLength(5000);
  });

  test('a run that kept to its slots is drawn in as many lanes', async () => {
    const input = await sampleReport({ name: 'x', tasks: 2000, nodes: 5, slots: 7, seconds: 3 });
    const data = timelineData(input);
    expect(data?.nodes.map(({ lanes }) => lanes)).toEqual([7, 7, 7, 7, 7]);
  });

  test('100,000 tasks are at most ten bytes each', async () => {
    const data = timelineData(
      await sampleReport(SAMPLES.huge ?? { name: 'x', tasks: 1e5, nodes: 1, slots: 1, seconds: 1 }),
    );
    expect(data?.bars).toBe(100_000);
    expect(data?.lanes.length).toBeLessThan(1_000_000);
    expect(inflateRawSync(Buffer.from(data?.lanes ?? '', 'base64')).length).toBeGreaterThan(100_000);
  });
});

describe('what is drawn', () => {
  const data = {
    origin: ORIGIN,
    span: 10_000,
    bars: 3,
    nodes: [
      { name: 'node 0', address: '10.0.0.1', lanes: 2, slots: 2, state: 'released' },
      { name: 'node 1', address: '10.0.0.2', lanes: 1, slots: 1, state: 'lost', joined: 500, lost: 6000 },
    ],
    endings: ['succeeded', 'signal 11 (SEGV)'],
    commands: { 7: './sim 7' },
    lanes: '',
  };
  const bar = (seq: number, start: number, duration: number, kind: BarKind = 0): Bar => ({
    seq,
    start,
    duration,
    kind,
    ending: 1,
  });
  const lanes = decodeLanes(
    encodeLanes([[bar(1, 0, 4000), bar(7, 4010, 2000, 1)], [], [bar(3, 1000, 3000)]]),
    3,
    3,
  );

  test('the task under the pointer', () => {
    const { rows } = layOut(data, false);
    const [first, , third] = rows;
    if (first === undefined || third === undefined) throw new Error('three rows are expected');
    expect(hoverText(data, lanes, first, { time: 5000, pixel: 10 })).toEqual([
      'Task 7 · failed, signal 11 (SEGV)',
      expect.stringMatching(/^2\.00 s, from 4\.010 s/),
      'node 0, slot 1 · 10.0.0.1',
      './sim 7',
    ]);
    expect(hoverText(data, lanes, third, { time: 200, pixel: 10 })).toEqual(['node 1', 'not joined yet']);
    expect(hoverText(data, lanes, third, { time: 7000, pixel: 10 })).toEqual(['node 1', 'lost at 6 s']);
    expect(hoverText(data, lanes, third, { time: 5000, pixel: 10 })).toEqual(['node 1', 'idle']);
    expect(hoverText(data, lanes, first, { time: 4005, pixel: 500 })[0]).toBe('2 tasks here, 1 failed');
  });

  test('busy slots add up to the tasks’ time', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(9000), fc.nat(1000)), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 97 }),
        (tasks, bins) => {
          const many = decodeLanes(
            encodeLanes(tasks.map(([start, duration]) => [bar(1, start, duration)])),
            tasks.length,
            tasks.length,
          );
          const share = busyShare(many, 10_000, tasks.length, bins);
          const sum = share.reduce((total, value) => total + value, 0) * tasks.length * (10_000 / bins);
          expect(sum).toBeCloseTo(
            tasks.reduce((total, [, duration]) => total + duration, 0),
            4,
          );
        },
      ),
    );
  });

  test('many lanes are drawn by node, and both ways cover every lane once', () => {
    const nodes = Array.from({ length: 300 }, (_, at) => ({
      name: `node ${at}`,
      address: '',
      lanes: 4,
      slots: 4,
      state: 'released',
    }));
    expect(layOut({ ...data, nodes }, undefined).byNode).toBe(true);
    for (const byNode of [true, false]) {
      const covered = layOut({ ...data, nodes }, byNode).rows.flatMap(({ from, to }) =>
        Array.from({ length: to - from }, (_, at) => from + at),
      );
      expect(covered).toEqual(Array.from({ length: 1200 }, (_, at) => at));
    }
  });

  test('the first bar in view is found', () => {
    expect(firstBarAfter(lanes, 0, 0)).toBe(0);
    expect(firstBarAfter(lanes, 0, 4005)).toBe(1);
    expect(firstBarAfter(lanes, 0, 9000)).toBe(2);
    expect(firstBarAfter(lanes, 1, 0)).toBe(2);
  });
});

describe('the view', () => {
  test('never leaves the run, however it is moved and zoomed', () => {
    const step = fc.oneof(
      fc.record({ factor: fc.double({ min: 0.1, max: 8, noNaN: true }), at: fc.nat(5000) }),
      fc.record({ by: fc.integer({ min: -9000, max: 9000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let view = { from: 0, to: 5000 };
        for (const one of steps)
          view = 'by' in one ? moved(view, 5000, one.by) : zoomed(view, 5000, one.factor, one.at);
        expect(view.from).toBeGreaterThanOrEqual(-1e-6);
        expect(view.to).toBeLessThanOrEqual(5000 + 1e-6);
        expect(view.to - view.from).toBeGreaterThanOrEqual(1 - 1e-6);
      }),
    );
  });

  test('zooming keeps what is under the pointer', () => {
    const view = zoomed({ from: 0, to: 1000 }, 1000, 0.5, 400);
    expect(view).toEqual({ from: 200, to: 700 });
  });

  test('ticks are round and not too many', () => {
    expect(tickStep({ from: 0, to: 660_000 }, 900, 90)).toBe(120_000);
    expect([offset(2500, 500), offset(125_000, 1000), offset(3_725_000, 60_000)]).toEqual([
      '2.5 s',
      '02:05',
      '01:02:05',
    ]);
  });
});

function barsOf(decoded: ReturnType<typeof decodeLanes>, lane: number): Bar[] {
  const bars: Bar[] = [];
  const kinds: readonly BarKind[] = [0, 1, 2];
  for (let at = decoded.first[lane] ?? 0; at < (decoded.first[lane + 1] ?? 0); at += 1) {
    bars.push({
      seq: decoded.seq[at] ?? 0,
      start: decoded.start[at] ?? 0,
      duration: decoded.duration[at] ?? 0,
      kind: kinds[decoded.kind[at] ?? 0] ?? 0,
      ending: decoded.ending[at] ?? 0,
    });
  }
  return bars;
}
