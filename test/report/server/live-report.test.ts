import { inflateRawSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { ChangedParts } from '../../../report/server/changed-parts.ts';
import { LiveReport } from '../../../report/server/live-report.ts';
import { RunSoFar } from '../../../report/server/run-so-far.ts';
import { appendBars } from '../../../report/timeline/append-bars.ts';
import type { TimelineData } from '../../../report/timeline/format.ts';
import { decodeLanes } from '../../../report/timeline/format.ts';
import { aNode, iso, RUN_ID, START } from '../../fixtures/records.ts';
import { RunInBucket } from './run-in-bucket.ts';

let clock: VirtualClock;
let run: RunInBucket;

beforeEach(() => {
  clock = new VirtualClock(START + 60_000);
  run = new RunInBucket(clock);
});

async function opened(): Promise<LiveReport> {
  const soFar = await RunSoFar.open(run.bucket, RUN_ID, clock);
  if (soFar === undefined) throw new Error('the run is there');
  return new LiveReport(soFar, clock, 1000);
}

async function passed(ms: number): Promise<void> {
  const over = clock.sleep(ms);
  await clock.runUntil(() => false, ms);
  await over;
}

const followed = (page: string) => ({
  key: /data-key="([^"]*)"/.exec(page)?.[1] ?? '',
  version: Number(/data-version="(\d+)"/.exec(page)?.[1]),
  tries: Number(/data-tries="(\d+)"/.exec(page)?.[1]),
});

test('what runs is not lost: of a run that goes on, tasks without a row are not finished', async () => {
  await run.begin(2, 2, 100);
  await run.rows([{ seq: 1 }, { seq: 2 }]);
  const tasks = { total: 100, succeeded: 2, failed: 0, retried: 0, lost: 0, cutOff: 0, running: 4 };
  await run.progress({ tasks });
  expect((await opened()).page()).toMatch(/<dd>2 of 100<small>98 not finished<\/small>/);
});

describe('what is asked of the bucket', () => {
  test('is asked once a second, however many pages ask, and of the joblog only what is new', async () => {
    await run.begin(2, 2, 100);
    await run.rows([{ seq: 1 }, { seq: 2 }]);
    const report = await opened();
    const { version, tries } = followed(report.page());
    const joblog = () => run.asked.filter(({ key }) => key === run.keys.joblog).map(({ range }) => range);
    const before = run.asked.length;
    await Promise.all([1, 2, 3].map(() => report.step(version, tries)));
    expect(run.asked.length).toBe(before);
    await run.rows([{ seq: 3 }]);
    await passed(1000);
    await Promise.all([1, 2, 3].map(() => report.step(version, tries)));
    const ranges = joblog().map((range) =>
      /^bytes=(\d+)-(\d+)$/
        .exec(range ?? '')
        ?.slice(1)
        .map(Number),
    );
    expect(ranges).toHaveLength(2);
    const [from = 0, to = 0] = ranges[1] ?? [];
    // One byte that is known, so that S3 answers where nothing is new.
    expect(to - from).toBe(256 * 1024);
    expect(from).toBeGreaterThan(100);
    const names = run.asked.slice(before).map(({ key }) => key.slice(run.keys.folder.length));
    expect(names.toSorted()).toEqual(['joblog.tsv', 'nodes.json', 'progress.json', 'status.json']);
  });

  test('a joblog that is shorter than before makes the page load again', async () => {
    await run.begin(1, 1, 10);
    await run.rows([{ seq: 1 }, { seq: 2 }]);
    const report = await opened();
    const { key, version, tries } = followed(report.page());
    await run.rowsAnew([{ seq: 1 }]);
    await passed(1000);
    expect((await report.step(version, tries)).key).not.toBe(key);
    expect(report.isReplaced).toBe(true);
  });
});

describe('what a page is told', () => {
  test('of a thousand nodes that all change each answer has at most 50 kB, and every node gets its turn', async () => {
    await run.begin(1000, 8, 100_000);
    await run.rows([{ seq: 1 }]);
    const report = await opened();
    let { version } = followed(report.page());
    const seen = new Set<string>();
    for (let second = 1; second <= 20; second += 1) {
      const busy = (index: number) =>
        aNode(index, { slots: 8, state: 'joined', clockAheadSeconds: second + index });
      await run.nodes(Array.from({ length: 1000 }, (_, index) => busy(index)));
      await passed(1000);
      const { changes } = await report.step(version, 1);
      expect(Buffer.byteLength(JSON.stringify(changes))).toBeLessThanOrEqual(50_000);
      for (const id of Object.keys(changes.parts)) if (id.startsWith('node-')) seen.add(id);
      version = changes.version;
    }
    expect(seen.size).toBe(1000);
  });

  test('a part that has grown too large is left for a reload', () => {
    const parts = new ChangedParts();
    parts.note([['failures', '"'.repeat(100_000)]]);
    const { parts: told } = parts.since(0);
    expect(told.failures).toContain('Reload the page');
    expect(parts.since(parts.version).parts).toEqual({});
  });

  test('bars come in steps under 256 kB, and are in the end those of the report', async () => {
    await run.begin(2, 4, 20_000);
    await run.rows([{ seq: 1 }]);
    const report = await opened();
    let { tries, version } = followed(report.page());
    let known = timelineOf(report.page());
    await run.rows(
      Array.from({ length: 12_000 }, (_, at) => ({
        seq: at + 2,
        host: `10.0.1.${10 + (at % 3)}`,
        startTime: START / 1000 + Math.floor(at / 10),
        runtime: 1 + (at % 7) / 10,
        exitval: at % 50 === 0 ? 3 : 0,
      })),
    );
    for (let step = 0; step < 12; step += 1) {
      await passed(60_000);
      const { bars, changes } = await report.step(version, tries);
      expect(Buffer.byteLength(JSON.stringify(bars ?? null))).toBeLessThanOrEqual(256 * 1024);
      const lanes = Object.entries(changes.parts).filter(([id]) => id.startsWith('lane-'));
      const fresh = bars && { bars, bytes: Buffer.from(bars.lists, 'base64') };
      known = appendBars(
        known,
        fresh,
        lanes.map(([, text]) => JSON.parse(text)),
      );
      tries = bars?.tries ?? tries;
      version = changes.version;
    }
    expect(tries).toBe(12_001);
    const whole = timelineOf(report.page());
    expect(known.data.nodes).toEqual(whole.data.nodes);
    expect(known.data.span).toBe(whole.data.span);
    expect(known.lanes.seq).toEqual(whole.lanes.seq);
    expect(known.lanes.start).toEqual(whole.lanes.start);
    expect(known.lanes.kind).toEqual(whole.lanes.kind);
  });

  test('the first try of a task that is tried again is no failure any more', async () => {
    await run.begin(1, 1, 2);
    await run.rows([{ seq: 1, exitval: 1 }]);
    const report = await opened();
    const known = timelineOf(report.page());
    await run.rows([{ seq: 1, startTime: START / 1000 + 20 }]);
    await passed(1000);
    const { bars } = await report.step(0, 1);
    const now = appendBars(known, bars && { bars, bytes: Buffer.from(bars.lists, 'base64') }, []);
    expect([...known.lanes.kind]).toEqual([1]);
    expect([...now.lanes.kind]).toEqual([2, 0]);
  });

  test('state, progress with the time left, and the first failure with its output', async () => {
    await run.begin(1, 2, 40);
    await run.progress({
      tasks: { total: 40, succeeded: 3, failed: 1, retried: 0, running: 2 },
      secondsLeft: 63,
      rate: 0.5,
    });
    await run.rows([{ seq: 1, exitval: 3 }, { seq: 2 }, { seq: 3 }, { seq: 4 }]);
    await run.put(run.keys.taskOutput(1, 'err'), 'boom: no such <robot>\n');
    const page = (await opened()).page();
    expect(page).toContain('Running: 4 of 40 tasks done, 1 failed');
    expect(page).toContain('4/40 done · 1 failed · 2 running · 0.5/s · 1 min 3 s left');
    expect(page).toContain('boom: no such &lt;robot&gt;');
    expect(page).toMatch(/href="\.\/logs\/tasks\/1\.err"/);
  });

  test('the load of nodes over time is read when it says something new, and drawn in few bytes', async () => {
    await run.begin(60, 1, 100);
    const points = Array.from({ length: 240 }, (_, at) => (at % 9 === 0 ? null : (at % 50) / 50));
    const nodes = Array.from({ length: 60 }, (_, node) => ({ node, cpu: points, memory: points, disk: [] }));
    await run.put(run.keys.load, JSON.stringify({ version: 1, seconds: 40, from: iso(0), nodes }));
    const report = await opened();
    const row = /<tr id="node-7">.*?<\/tr>/s.exec(report.page())?.[0] ?? '';
    expect(row.match(/mean 47 %, most 98 %/g)).toHaveLength(4);
    expect(row.match(/<td class="load">–<\/td>/g)).toHaveLength(1);
    expect(row.length).toBeLessThan(1500);
    const read = () => run.asked.filter(({ key }) => key === run.keys.load).length;
    for (let second = 0; second < 39; second += 1) {
      await passed(1000);
      await report.step(0, 0);
    }
    expect(read()).toBe(1);
    await passed(2000);
    await report.step(0, 0);
    expect(read()).toBe(2);
  });

  test('nothing is drawn before there is anything; then the page loads again', async () => {
    await run.begin(2, 2, 10);
    await run.nodes([]);
    await run.status({ state: 'queued', headline: 'Waits for machines.' });
    const report = await opened();
    const page = report.page();
    expect(page).toContain('Waits for machines');
    expect(page).not.toContain('id="timeline"');
    await run.rows([{ seq: 1 }]);
    await passed(1000);
    expect((await report.step(followed(page).version, 0)).key).not.toBe(followed(page).key);
    expect(report.page()).toContain('id="timeline"');
  });
});

function timelineOf(page: string) {
  const json = /id="timeline-data">(.*?)<\/script>/s.exec(page)?.[1] ?? '{}';
  const data: TimelineData = JSON.parse(json);
  const lanes = data.nodes.reduce((sum, node) => sum + node.lanes, 0);
  return { data, lanes: decodeLanes(inflateRawSync(Buffer.from(data.lanes, 'base64')), lanes, data.bars) };
}
