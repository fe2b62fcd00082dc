import { durationAt } from '../../../experiment/results/durations.ts';
import type { TaskTable } from '../../../experiment/results/task-table.ts';
import { taskSucceeded } from '../../../experiment/results/task-table.ts';
import { grouped, spoken } from '../../../experiment/text/numbers.ts';
import type { Markup } from '../../page/html.ts';
import { html } from '../../page/html.ts';

const BINS = 60;
const WIDTH = 1000;
/** The base line, and how much of the median's line stands over the tallest column. */
const FLOOR = 130;
const CEILING = 8;

/** How long the tasks took: a histogram up to the 99 % place, with the longer ones, at least one, in a last column. */
export function durations(tasks: TaskTable): Markup | undefined {
  if (tasks.size < 5) return undefined;
  const sorted = Float64Array.from(tasks.runtime).sort();
  const runtimeAt = (share: number) => durationAt(sorted, share) ?? 0;
  const longest = runtimeAt(1);
  const most = runtimeAt(Math.min(0.99, 1 - 1 / sorted.length));
  const top = most > 0 && longest > 1.3 * most ? most : longest;
  if (!(top > 0)) return undefined;
  const longer = longest > top;
  const bins = fillBins(tasks, top, longer);
  const highest = bins.reduce((high, { good, bad }) => Math.max(high, good + bad), 1);
  const step = WIDTH / bins.length;
  const median = (runtimeAt(0.5) / top) * BINS * step;
  return html`<section>
<h2>How long tasks took</h2>
<p class="note">Half took at most ${spoken(runtimeAt(0.5))} (the dotted line), 90 % at most ${spoken(runtimeAt(0.9))}; the shortest ${spoken(runtimeAt(0))}, the longest ${spoken(longest)}.</p>
<svg class="histogram" viewBox="0 0 ${WIDTH} ${FLOOR}" preserveAspectRatio="none" role="img" aria-label="Histogram of task durations">
${bins.map((bin, index) => column(bin, index * step, step, highest))}
<line class="median" x1="${round(median)}" x2="${round(median)}" y1="0" y2="${FLOOR}"/>
</svg>
<div class="scale" aria-hidden="true"><span>0</span><span>${spoken(top / 2)}</span><span>${spoken(top)}${longer && ' and more'}</span></div>
</section>`;
}

interface Bin {
  good: number;
  bad: number;
}

/** The column of the longer ones stands apart from the others by an empty one. */
function fillBins(tasks: TaskTable, top: number, longer: boolean): Bin[] {
  const bins = Array.from({ length: longer ? BINS + 2 : BINS }, () => ({ good: 0, bad: 0 }));
  for (let at = 0; at < tasks.size; at += 1) {
    const runtime = tasks.runtime[at] ?? 0;
    const bin = bins[runtime > top ? BINS + 1 : Math.min(BINS - 1, Math.floor((runtime / top) * BINS))];
    if (bin === undefined) continue;
    if (taskSucceeded(tasks, at)) bin.good += 1;
    else bin.bad += 1;
  }
  return bins;
}

function column({ good, bad }: Bin, x: number, step: number, most: number): Markup | undefined {
  if (good + bad === 0) return undefined;
  const scale = (FLOOR - CEILING) / most;
  const low = bad === 0 ? 0 : Math.max(2, bad * scale);
  const high = good === 0 ? 0 : Math.max(1, good * scale);
  const width = round(step - 1.5);
  const title = html`<title>${grouped(good + bad)}${bad > 0 ? `, ${grouped(bad)} failed` : ''}</title>`;
  return html`<g>${title}${high > 0 && html`<rect class="k-task" x="${round(x)}" y="${round(FLOOR - low - high)}" width="${width}" height="${round(high)}"/>`}${low > 0 && html`<rect class="k-failed" x="${round(x)}" y="${round(FLOOR - low)}" width="${width}" height="${round(low)}"/>`}</g>`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
