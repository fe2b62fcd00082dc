import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PagesInBrowser } from './in-browser.ts';
import { SAMPLES } from './sample-runs.ts';

let pages: PagesInBrowser;

beforeAll(async () => {
  pages = await PagesInBrowser.open();
});

afterAll(() => pages.close());

const open: PagesInBrowser['report'] = (name, options) => pages.report(name, options);

/** Different colours on the drawing of the rows: a blank canvas has one. */
const colours = `(() => {
  const canvas = document.querySelector('#timeline .tall canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let at = 0; at < data.length; at += 4) seen.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  return seen.size;
})()`;

describe('in a browser', () => {
  test.each(Object.keys(SAMPLES))('%s opens without a fault or a request', async (name) => {
    const { page, faults } = await open(name);
    expect(faults).toEqual([]);
    if (name !== 'stuck') expect(await page.evaluate(colours)).toBeGreaterThan(3);
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    await page.close();
  });

  test('100,000 tasks open while one waits', async () => {
    const { page, milliseconds } = await open('huge');
    console.log(`opening 100,000 tasks took ${Math.round(milliseconds)} ms`);
    // Ten times the target: nothing here may depend on how busy the machine is.
    expect(milliseconds).toBeLessThan(20_000);
    await page.close();
  });

  test('pointing at a task tells it, zooming and moving draw anew', async () => {
    const { page, faults } = await open('failed');
    const canvas = page.locator('#timeline .tall canvas');
    const picture = async () =>
      await canvas.evaluate('document.querySelector("#timeline .tall canvas").toDataURL()');
    await canvas.hover({ position: { x: 300, y: 40 } });
    await expect
      .poll(async () => await page.locator('.tip').innerText())
      .toMatch(/Task [\d,]+ · (succeeded|failed)/);
    const whole = await picture();
    await page.getByRole('button', { name: 'Zoom in' }).click();
    await expect.poll(picture).not.toBe(whole);
    const near = await picture();
    await canvas.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(picture).not.toBe(near);
    await page.keyboard.press('0');
    await expect.poll(picture).toBe(whole);
    await page
      .getByRole('button', { name: 'Draw a row for each slot' })
      .or(page.getByText('By node'))
      .first()
      .click();
    await expect.poll(picture).not.toBe(whole);
    expect(faults).toEqual([]);
    await page.close();
  });

  test('of more nodes than there is room for it says which are shown', async () => {
    const { page } = await open('huge');
    const shown = page.locator('.shown-nodes');
    await expect.poll(() => shown.innerText()).toMatch(/^Shown: node 0 to node [5-9]\d, of 100 nodes/);
    await page.evaluate('document.querySelector(".scroller").scrollTo(0, 1e6)');
    await expect.poll(() => shown.innerText()).toMatch(/^Shown: node [34]\d to node 99, of 100 nodes/);
    await page.emulateMedia({ media: 'print' });
    await expect.poll(() => shown.innerText()).toMatch(/, of 100 nodes\.$/);
    await page.close();
    const few = await open('small');
    expect(await few.page.locator('.shown-nodes').isVisible()).toBe(false);
    await few.page.close();
  });

  test.each([
    ['a phone', { viewport: { width: 360, height: 740 } }],
    ['the dark', { colorScheme: 'dark' as const }],
  ])('%s: nothing sticks out, and the failure is in sight', async (_name, options) => {
    const { page, faults } = await open('hostile', options);
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    expect(await page.locator('h1').innerText()).toContain('19 of 120 tasks failed');
    expect(faults).toEqual([]);
    await page.close();
  });

  test('a script that got in would not run', async () => {
    const { page } = await open('small');
    await page.evaluate(
      '(() => { const s = document.createElement("script"); s.textContent = "globalThis.pwned = 1"; document.body.append(s); })()',
    );
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    await page.close();
  });

  test('of 100,000 tasks those in sight are elements; any is found, and any column is an order', async () => {
    const { page, faults } = await open('huge');
    const first = () => page.locator('#tasks tbody tr:not(.gap) >> nth=0').innerText();
    const count = () => page.locator('#tasks [role=status]').innerText();
    await expect.poll(count).toBe('100,000 of 100,000 tasks');
    expect(await page.locator('#tasks tbody tr').count()).toBeLessThan(100);
    await page.locator('#tasks .scroll').focus();
    await page.keyboard.press('End');
    await expect
      .poll(() => page.locator('#tasks tbody tr:not(.gap) >> nth=-1').innerText())
      .toMatch(/^100000\b/);
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('seed=77123');
    await expect.poll(count).toBe('1 of 100,000 tasks');
    expect(await first()).toMatch(/^77123\b/);
    await page.getByRole('searchbox', { name: 'Search tasks' }).fill('');
    await page.getByRole('combobox', { name: 'Which tasks' }).selectOption('failed');
    await expect.poll(count).toMatch(/^\d\d of 100,000 tasks$/);
    await page.getByRole('button', { name: 'seed', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await page.locator('#tasks th[aria-sort="descending"]').innerText()).toBe('seed');
    const seeds = async () =>
      (await page.locator('#tasks tbody tr:not(.gap) td:nth-child(6)').allInnerTexts()).map(Number);
    await expect.poll(async () => (await seeds())[0]).toBeGreaterThan(40_000);
    expect((await seeds()).length).toBeGreaterThan(5);
    expect(await seeds()).toEqual((await seeds()).toSorted((a, b) => b - a));
    expect(faults).toEqual([]);
    await page.close();
  });

  test('on paper everything is open and light', async () => {
    const { page } = await open('failed', { colorScheme: 'dark' });
    await page.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await page.locator('details:not([open])').count()).toBe(0);
    await page.emulateMedia({ media: 'print' });
    expect(await page.getByText('Drag to move').isVisible()).toBe(false);
    expect((await page.pdf()).length).toBeGreaterThan(20_000);
    await page.close();
  });

  test('without scripts all but the timeline is there', async () => {
    const { page } = await openWithoutScript('failed');
    expect(await page.locator('body').innerText()).toContain('switched off here');
    expect(await page.locator('body').innerText()).toContain('lost at');
    await page.context().close();
  });
});

async function openWithoutScript(name: string): Promise<{ page: Page }> {
  const { page: drawn } = await open(name);
  await drawn.close();
  const context = await pages.browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(pathToFileURL(join(pages.folder, `${name}.html`)).href);
  return { page };
}
