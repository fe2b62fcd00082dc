import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { renderReport } from '../../report/render.ts';
import { SAMPLES, sampleReport } from './sample-runs.ts';

/** Debian's; `apt-get install chromium`. */
const CHROMIUM = '/usr/bin/chromium';
/** Pictures for people to look at; git knows nothing of them. */
const ARTIFACTS = fileURLToPath(new URL('../artifacts/report/', import.meta.url));

interface Opened {
  page: Page;
  /** What went wrong in the page, and what it asked the network for. */
  faults: string[];
  milliseconds: number;
}

type PageOptions = Parameters<Browser['newPage']>[0];

/** A real browser and a folder of pages for it. */
export class PagesInBrowser {
  readonly browser: Browser;
  readonly folder: string;

  static async open(): Promise<PagesInBrowser> {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new PagesInBrowser(browser, await mkdtemp(join(tmpdir(), 'sierra-batch-report-')));
  }

  private constructor(browser: Browser, folder: string) {
    this.browser = browser;
    this.folder = folder;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The report of a sample, opened from its file; `milliseconds` until its timeline is drawn. */
  async report(name: string, options: PageOptions = {}): Promise<Opened> {
    const sample = SAMPLES[name];
    if (sample === undefined) throw new Error(`no sample ${name}`);
    const opened = await this.page(name, renderReport(await sampleReport(sample)), options);
    if (sample.neverStarted === true) return opened;
    const before = performance.now();
    await opened.page.waitForFunction('document.querySelector("#timeline canvas") !== null');
    return { ...opened, milliseconds: opened.milliseconds + performance.now() - before };
  }

  /** Any page, opened from a file. */
  async page(name: string, text: string, options: PageOptions = {}): Promise<Opened> {
    const file = join(this.folder, `${name}.html`);
    await writeFile(file, text);
    const page = await this.browser.newPage(options);
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== pathToFileURL(file).href && !/^(?:blob|data):/.test(request.url()))
        faults.push(`request: ${request.url()}`);
    });
    const before = performance.now();
    await page.goto(pathToFileURL(file).href);
    return { page, faults, milliseconds: performance.now() - before };
  }
}

/** Keeps a picture of the whole page. */
export async function picture(page: Page, name: string): Promise<void> {
  await mkdir(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTIFACTS, `${name}.png`), fullPage: true });
}

export const LOOKS = {
  light: { viewport: { width: 1200, height: 900 } },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: 'dark' as const },
  phone: { viewport: { width: 360, height: 740 } },
};
type Look = keyof typeof LOOKS;
export const looks: Look[] = ['light', 'dark', 'phone'];

/** What axe finds that would keep somebody from reading the page, with the elements. */
export async function serious(page: Page): Promise<string[]> {
  await page.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
  await page.evaluate(axe.source);
  const found: axe.AxeResults = await page.evaluate('globalThis.axe.run()');
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical' || impact === 'moderate')
    .flatMap(({ id, nodes }) => nodes.slice(0, 5).map(({ html }) => `${id}: ${html.slice(0, 300)}`));
}

/** The mailed page on paper: what is asked for print, at the width of a sheet. */
export async function onPaper(page: Page): Promise<void> {
  await page.setViewportSize({ width: 760, height: 1000 });
  await page.emulateMedia({ media: 'print' });
  await page.evaluate('dispatchEvent(new Event("beforeprint"))');
}
