/**
 * What a report costs to make and to open, by number of tasks: `npx --no-install node scripts/docs/report-measure.ts [TASKS …]`.
 * Each is made in a process of its own from a joblog on disk, as the function collect does, and opened in Debian's chromium.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { parseJoblogRow } from '../../experiment/results/joblog.ts';
import { readTasks } from '../../experiment/results/task-table.ts';
import { renderReport } from '../../report/render.ts';
import { sampleReport } from '../../test/report/sample-runs.ts';

const shapeOf = (tasks: number) => ({
  name: 'measured',
  tasks,
  nodes: tasks > 10_000 ? 100 : 4,
  slots: 16,
  seconds: 20,
  failedShare: 0.001,
});

async function writeJoblog(path: string, tasks: number): Promise<void> {
  const { nodes, slots } = shapeOf(tasks);
  const out = createWriteStream(path);
  for (let seq = 1; seq <= tasks; seq += 1) {
    const slot = seq % (nodes * slots);
    const at = 1_795_600_000 + Math.floor(seq / (nodes * slots)) * 20 + (seq % 7) / 10;
    const row = `${seq}\t10.0.1.${10 + Math.floor(slot / slots)}\t${at.toFixed(3)}\t${(12 + ((seq * 7919) % 7993) / 1000).toFixed(3)}\t0\t120\t${seq % 1009 === 0 ? 1 : 0}\t0\t./sim --seed ${seq}\n`;
    if (!out.write(row)) await once(out, 'drain');
  }
  out.end();
  await finished(out);
}

/** In a process of its own: its memory is the report's. */
async function makeOne(joblog: string, page: string): Promise<void> {
  const tasks = Number(process.argv[5]);
  const rest = await sampleReport({ ...shapeOf(tasks), tasks: 100, nodes: shapeOf(tasks).nodes });
  const before = performance.now();
  const lines = createInterface({ input: createReadStream(joblog) });
  const rows = async function* () {
    for await (const line of lines) {
      const row = parseJoblogRow(line);
      if (row !== undefined) yield row;
    }
  };
  const table = await readTasks(rows());
  const read = performance.now();
  writeFileSync(page, renderReport({ ...rest, tasks: table }));
  const { maxRSS } = process.resourceUsage();
  console.log(JSON.stringify({ read: read - before, make: performance.now() - read, maxRSS }));
}

async function measure(folder: string, tasks: number): Promise<string> {
  const [joblog, page] = [join(folder, 'joblog.tsv'), join(folder, `${tasks}.html`)];
  await writeJoblog(joblog, tasks);
  const made = spawnSync(process.execPath, [import.meta.filename, 'make', joblog, page, String(tasks)], {
    encoding: 'utf8',
  });
  if (made.status !== 0) throw new Error(made.stderr);
  const { read, make, maxRSS } = JSON.parse(made.stdout);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const opened: number[] = [];
  let heap = 0;
  for (let again = 0; again < 3; again += 1) {
    const tab = await browser.newPage();
    const before = performance.now();
    await tab.goto(pathToFileURL(page).href);
    await tab.waitForFunction('document.querySelector("#timeline canvas") !== null', undefined, {
      timeout: 120_000,
    });
    opened.push(performance.now() - before);
    const session = await tab.context().newCDPSession(tab);
    const { usedSize, backingStorageSize = 0 } = await session.send('Runtime.getHeapUsage');
    heap = Math.max(heap, usedSize + backingStorageSize);
    await tab.close();
  }
  await browser.close();
  const cells = [
    tasks.toLocaleString('en'),
    `${(statSync(page).size / 1024 / 1024).toFixed(2)} MiB`,
    `${Math.round(read)} + ${Math.round(make)} ms`,
    `${Math.round(maxRSS / 1024)} MiB`,
    `${Math.round(opened.toSorted((a, b) => a - b)[1] ?? 0)} ms`,
    `${Math.round(heap / 1024 / 1024)} MiB`,
  ];
  return `| ${cells.join(' | ')} |`;
}

if (process.argv[2] === 'make') {
  await makeOne(process.argv[3] ?? '', process.argv[4] ?? '');
} else {
  const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-measure-'));
  const counts = process.argv.slice(2).map(Number);
  console.log(
    '| tasks | file | read + make | memory to make | open | memory of the page |\n|--:|--:|--:|--:|--:|--:|',
  );
  try {
    for (const tasks of counts.length === 0 ? [1000, 100_000, 1_000_000] : counts)
      console.log(await measure(folder, tasks));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
