import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunState } from '../../experiment/records/status.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';
import { renderRunsPage } from '../../report/runs-page.ts';
import { LOOKS, looks, onPaper, PagesInBrowser, picture, serious } from './in-browser.ts';
import { HOSTILE } from './sample-runs.ts';

let pages: PagesInBrowser;

beforeAll(async () => {
  pages = await PagesInBrowser.open();
});

afterAll(() => pages.close());

describe.each(['one', 'small', 'failed', 'huge', 'stuck', 'hostile', 'idle'])(
  'the report of the sample %s',
  (name) => {
    test.each(looks)('is readable for everybody (%s)', async (look) => {
      const { page } = await pages.report(name, LOOKS[look]);
      await picture(page, `${name}-${look}`);
      expect(await serious(page)).toEqual([]);
      await page.close();
    });
  },
);

test('graphs are seen', async () => {
  const { page, faults } = await pages.report('failed');
  const widths = await page.evaluate<number[]>('[...document.images].map((one) => one.naturalWidth)');
  expect(widths.length).toBe(2);
  expect(widths.every((width) => width > 0)).toBe(true);
  expect(faults).toEqual([]);
  await page.close();
});

test('the report on paper', async () => {
  const { page } = await pages.report('failed');
  await onPaper(page);
  await picture(page, 'failed-paper');
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  expect(await serious(page)).toEqual([]);
  await page.close();
});

const STATES: readonly RunState[] = ['succeeded', 'failed', 'running', 'cancelled', 'timed-out', 'queued'];

function runsPage(): string {
  const rows: RunRow[] = Array.from({ length: 30 }, (_, at) => ({
    runId: `${at % 3 === 0 ? 'foraging' : 'speed-sweep'}-${String(at).padStart(11, '0')}`,
    name: at === 7 ? HOSTILE : at % 3 === 0 ? 'foraging' : 'speed-sweep',
    state: STATES[at % STATES.length] ?? 'failed',
    headline: at === 7 ? HOSTILE : 'Succeeded: 1,800 of 1,800 tasks in 14 min, 0.9 node-hours.',
    at: new Date(Date.UTC(2026, 10, 24) - at * 7_000_000).toISOString(),
    ...(at % 3 === 2 ? {} : { endedAt: new Date(Date.UTC(2026, 10, 24) - at * 6_900_000).toISOString() }),
    tasks: { total: 1800, succeeded: 1800 - 7 * at, failed: at },
    nodes: 4 + at,
    nodeHours: 0.9 + at,
  }));
  return renderRunsPage({ rows, bucket: 'experiments-eu-central-1', madeAt: Date.UTC(2026, 10, 24) });
}

describe('the page of runs', () => {
  test.each(looks)('is readable for everybody (%s)', async (look) => {
    const { page, faults } = await pages.page('runs', runsPage(), LOOKS[look]);
    await picture(page, `runs-${look}`);
    expect(await serious(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    expect(faults).toEqual([]);
    await page.close();
  });

  test('is sorted by any column, with keys too, and says how', async () => {
    const { page } = await pages.page('runs', runsPage());
    const nodes = () =>
      page.evaluate<number[]>(
        '[...document.querySelectorAll("#runs tbody tr")].map((row) => Number(row.cells[6].dataset.value))',
      );
    const button = page.getByRole('button', { name: 'Nodes' });
    await button.focus();
    await page.keyboard.press('Enter');
    expect(await nodes()).toEqual((await nodes()).toSorted((a, b) => b - a));
    await page.keyboard.press('Enter');
    expect(await nodes()).toEqual((await nodes()).toSorted((a, b) => a - b));
    expect(await page.locator('th[aria-sort]').count()).toBe(1);
    expect(await page.locator('th[aria-sort="ascending"]').innerText()).toBe('Nodes');
    await page.close();
  });
});

test('a page that follows runs shows what is new, in the order that was chosen', async () => {
  const row = (at: number, headline: string): RunRow => ({
    runId: `sweep-${String(at).padStart(11, '0')}`,
    name: 'sweep',
    state: 'running',
    headline,
    at: new Date(at).toISOString(),
    nodes: at,
  });
  let rows = [row(1, 'Begins.'), row(2, 'Begins.')];
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(renderRunsPage({ rows, bucket: 'lab', madeAt: 0, refreshSeconds: 0.1 }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = Object(server.address());
  const page = await pages.browser.newPage();
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.getByRole('button', { name: 'Nodes' }).click();
  rows = [row(3, 'Has come.'), row(1, 'Goes on.')];
  const told = () => page.locator('.headline').allInnerTexts();
  await expect.poll(told).toEqual(['Has come.', 'Goes on.']);
  await page.getByRole('button', { name: 'Nodes' }).click();
  await expect.poll(told).toEqual(['Goes on.', 'Has come.']);
  rows = [...rows, row(2, 'Is between.')];
  await expect.poll(told).toEqual(['Goes on.', 'Is between.', 'Has come.']);
  await page.close();
  server.close();
});
