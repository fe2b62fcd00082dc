import type { TaskTable } from '../../experiment/task-table.ts';
import { taskSucceeded } from '../../experiment/task-table.ts';
import { grouped, spoken } from '../../experiment/wording.ts';
import type { Markup } from '../html.ts';
import { html } from '../html.ts';

const BINS = 60;
const WIDTH = 1000;
const HEIGHT = 150;
const FLOOR = 120;

/** How long the tasks took: a histogram up to the 99th percentile, with the longer ones in a last column. */
export function durations(tasks: TaskTable): Markup | undefined {
  if (tasks.size < 5) return undefined;
  const sorted = Float64Array.from(tasks.runtime).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const longest = at(1);
  const top = at(0.99) > 0 && longest > 1.3 * at(0.99) ? at(0.99) : longest;
  if (!(top > 0)) return undefined;
  const bins = fillBins(tasks, top);
  const most = bins.reduce((high, { good, bad }) => Math.max(high, good + bad), 1);
  const median = (at(0.5) / top) * xOf(BINS);
  return html`<section>
<h2>How long tasks took</h2>
<p class="note">Half of them under ${spoken(at(0.5))}, 90 % under ${spoken(at(0.9))}; the shortest ${spoken(at(0))}, the longest ${spoken(longest)}.</p>
<svg class="histogram" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Histogram of task durations">
${bins.map((bin, index) => column(bin, index, most))}
<line class="rule" x1="0" x2="${WIDTH}" y1="${FLOOR}" y2="${FLOOR}"/>
<line class="median" x1="${round(median)}" x2="${round(median)}" y1="4" y2="${FLOOR}"/>
<text x="${round(median + 6)}" y="13">median</text>
<text x="0" y="${FLOOR + 18}">0</text>
<text x="${xOf(BINS) / 2}" y="${FLOOR + 18}" text-anchor="middle">${spoken(top / 2)}</text>
<text x="${xOf(BINS)}" y="${FLOOR + 18}" text-anchor="end">${spoken(top)}</text>
${longest > top && html`<text x="${WIDTH}" y="${FLOOR + 18}" text-anchor="end">longer</text>`}
</svg>
</section>`;
}

interface Bin {
  good: number;
  bad: number;
}

function fillBins(tasks: TaskTable, top: number): Bin[] {
  const bins = Array.from({ length: BINS + 2 }, () => ({ good: 0, bad: 0 }));
  for (let at = 0; at < tasks.size; at += 1) {
    const runtime = tasks.runtime[at] ?? 0;
    const bin = bins[runtime > top ? BINS + 1 : Math.min(BINS - 1, Math.floor((runtime / top) * BINS))];
    if (bin === undefined) continue;
    if (taskSucceeded(tasks, at)) bin.good += 1;
    else bin.bad += 1;
  }
  return bins;
}

function column({ good, bad }: Bin, index: number, most: number): Markup | undefined {
  if (good + bad === 0) return undefined;
  const scale = (FLOOR - 6) / most;
  const low = bad === 0 ? 0 : Math.max(2, bad * scale);
  const high = good === 0 ? 0 : Math.max(1, good * scale);
  const x = xOf(index);
  const width = round(xOf(1) - 1.5);
  const title = html`<title>${grouped(good + bad)}${bad > 0 ? `, ${grouped(bad)} failed` : ''}</title>`;
  return html`<g>${title}${high > 0 && html`<rect class="k-task" x="${x}" y="${round(FLOOR - low - high)}" width="${width}" height="${round(high)}"/>`}${low > 0 && html`<rect class="k-failed" x="${x}" y="${round(FLOOR - low)}" width="${width}" height="${round(low)}"/>`}</g>`;
}

function xOf(bin: number): number {
  return round((bin * WIDTH) / (BINS + 2));
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
