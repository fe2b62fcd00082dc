import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { realClock } from '../../local/clock/real.ts';
import { renderReport } from '../../report/render.ts';
import type { RunServer } from '../../report/server/serve-run.ts';
import { serveRun } from '../../report/server/serve-run.ts';
import { aNode, RUN_ID } from '../fixtures/records.ts';
import { LOOKS, onPaper, PagesInBrowser, picture, serious } from './in-browser.ts';
import { SAMPLES, sampleReport } from './sample-runs.ts';
import { RunInBucket } from './server/run-in-bucket.ts';

let pages: PagesInBrowser;
let run: RunInBucket;

beforeAll(async () => {
  pages = await PagesInBrowser.open();
});
afterAll(() => pages.close());
beforeEach(() => {
  run = new RunInBucket(realClock);
});

async function served(
  look: keyof typeof LOOKS,
): Promise<{ page: Page; server: RunServer; faults: string[] }> {
  const server = await serveRun(
    { bucket: run.bucket, clock: realClock, lookMs: 200 },
    RUN_ID,
    'hard-to-guess',
  );
  const page = await pages.browser.newPage(LOOKS[look]);
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  await page.goto(pathToFileURL(server.file).href);
  await page.waitForURL(/report\.html$/);
  return { page, server, faults };
}

const rowsFrom = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => ({
    seq: from + at,
    host: `10.0.1.${10 + (at % 2)}`,
    startTime: Date.UTC(2026, 10, 24, 9) / 1000 + Math.floor((from + at) / 4) * 11,
    exitval: (from + at) % 9 === 0 ? 2 : 0,
  }));

test('follows the run: state, progress, failures, timeline and nodes; what is open stays open', async () => {
  await run.begin(2, 2, 200);
  await run.progress({
    tasks: { total: 200, succeeded: 8, failed: 0, retried: 0, running: 4 },
    rate: 0.4,
    secondsLeft: 480,
  });
  await run.rows(rowsFrom(1, 8));
  const { page, server, faults } = await served('light');
  expect(await page.locator('.progress').innerText()).toContain('8/200 done');
  await expect.poll(() => page.locator('#timeline canvas').count()).toBe(2);
  await page.locator('summary', { hasText: 'The manifest' }).click();
  await run.rows(rowsFrom(9, 40));
  await run.put(run.keys.taskOutput(9, 'err'), 'boom: the robot left the arena\n');
  await run.progress({
    tasks: { total: 200, succeeded: 43, failed: 5, retried: 0, running: 4 },
    rate: 0.4,
    secondsLeft: 350,
  });
  await run.nodes([
    aNode(0, { state: 'joined' }),
    aNode(1, { state: 'joined' }),
    aNode(2, { state: 'joined' }),
  ]);
  await expect
    .poll(() => page.locator('.failure').allInnerTexts())
    .toContainEqual(expect.stringContaining('the robot left the arena'));
  expect(await page.locator('.progress').innerText()).toContain('48/200 done · 5 failed');
  await expect.poll(() => page.locator('#node-rows tr').count()).toBe(3);
  expect(await page.locator('#part-timeline').innerText()).toBe('48 tasks on 3 nodes.');
  expect(await page.locator('details[open] >> text=The manifest').count()).toBe(0);
  await page.locator('.failure summary', { hasText: 'the robot left the arena' }).click();
  await picture(page, 'live-light');
  const [popup] = await Promise.all([page.waitForEvent('response'), page.locator('.failure a.file').click()]);
  expect(popup.status()).toBe(200);
  await page.goBack();
  await page.close();
  await server.close(0);
  expect(faults).toEqual([]);
});

test.each(['light', 'dark', 'phone'] as const)('is readable for everybody (%s)', async (look) => {
  await run.begin(2, 2, 200);
  await run.progress({
    tasks: { total: 200, succeeded: 43, failed: 5, retried: 0, running: 4 },
    rate: 0.4,
    secondsLeft: 350,
  });
  await run.rows(rowsFrom(1, 48));
  const { page, server } = await served(look);
  await expect.poll(() => page.locator('#timeline canvas').count()).toBe(2);
  await picture(page, `live-${look}`);
  expect(await serious(page)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  await onPaper(page);
  expect(await serious(page)).toEqual([]);
  await page.close();
  await server.close(0);
});

test('by an address that is signed for the page alone, commands stand where links would lead nowhere', async () => {
  const { page } = await pages.report('failed');
  expect(await page.locator('a.file').count()).toBeGreaterThan(5);
  await page.goto(`${page.url()}?X-Amz-Signature=0123`);
  expect(await page.locator('a.file').count()).toBe(0);
  expect(await page.locator('body').innerText()).toContain('aws s3 cp s3://experiments-eu-central-1/runs/');
  await page.close();
});

test('says when the connection is lost, and that it is there again', async () => {
  await run.begin(1, 1, 10);
  const { page, server } = await served('light');
  await page.route('**/step?*', (route) => route.abort());
  const note = page.locator('#connection');
  await expect.poll(() => note.innerText()).toMatch(/^Connection lost at .*\d:\d\d.*, trying again\. /);
  await picture(page, 'live-lost');
  await page.unroute('**/step?*');
  await expect.poll(() => note.innerText()).toBe('');
  await page.close();
  await server.close(0);
});

test('becomes the report at the end, and stays when its server is gone', async () => {
  await run.begin(1, 1, 10);
  const { page, server, faults } = await served('light');
  const input = await sampleReport(SAMPLES.small ?? { name: 'x', tasks: 9, nodes: 1, slots: 1, seconds: 1 });
  await run.put(run.keys.report, renderReport(input));
  await run.status({ state: 'succeeded' });
  await server.close();
  await expect.poll(() => page.locator('h1').innerText()).toContain('Succeeded: 200 of 200');
  await expect.poll(() => page.locator('#timeline canvas').count()).toBe(2);
  expect(await page.locator('#follow').count()).toBe(0);
  expect(faults).toEqual([]);
  await page.close();
});
