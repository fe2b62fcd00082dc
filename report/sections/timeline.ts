import { counted } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html, jsonMarkup } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { timelineData } from '../timeline/timeline.ts';

/** What is drawn, in words. */
export function timelineExtent({ tasks: { size, tries: all }, open = [] }: ReportInput): string {
  const earlier = all.size - size;
  return `${counted(size, 'task')}${earlier === 0 ? '' : ` and ${counted(earlier, 'earlier try', 'earlier tries')}`}${open.length === 0 ? '' : ` and ${counted(open.length, 'try', 'tries')} without an end`}`;
}

/** The drawing's place and data; the page's script draws it. */
export function timeline(input: ReportInput): Markup | undefined {
  const data = timelineData(input);
  if (data === undefined) return undefined;
  const isLive = input.live !== undefined;
  const extent = `${timelineExtent(input)} on ${nodesThere(data)}.`;
  const away = data.nodes.some(
    ({ state, lost, joined }) =>
      state === 'never-came' || lost !== undefined || (joined ?? 0) > 0.005 * data.span,
  );
  const isMissed = data.nodes.some(({ state, lost }) => state === 'never-came' || lost !== undefined);
  if (input.summary.tasks.total === 0 && !isMissed) return undefined;
  return html`<section>
<h2>Timeline</h2>
<p class="note"><span id="part-timeline">${extent}</span><span class="by-hand"> Drag to move, Ctrl and wheel or + and − to zoom, point at a bar to read it.</span></p>
<div id="timeline"><noscript><p class="note">The timeline is drawn by the report’s own script, which is switched off here.</p></noscript></div>
<ul class="legend">
<li>${swatch('k-task')}task</li>
${(isLive || input.summary.tasks.failed > 0) && html`<li>${swatch('k-failed')}failed</li>`}
${(isLive || hasMore(input)) && html`<li>${swatch('k-retried')}tried again, cut off or lost</li>`}
${away && html`<li><svg viewBox="0 0 26 14" aria-hidden="true"><path class="k-absent" d="M-4 14 10 0M2 14 16 0M8 14 22 0M14 14 28 0M20 14 34 0"/></svg>node not there</li>`}
</ul>
<script type="application/json" id="timeline-data">${jsonMarkup(data)}</script>
</section>`;
}

function hasMore({ tasks, open = [] }: ReportInput): boolean {
  return tasks.tries.size > tasks.size || open.length > 0;
}

function nodesThere({ nodes }: NonNullable<ReturnType<typeof timelineData>>): string {
  const there = nodes.filter(({ state }) => state !== 'never-came').length;
  return `${there === nodes.length ? '' : `${there} of `}${counted(nodes.length, 'node')}`;
}

function swatch(kind: string): Markup {
  return html`<svg viewBox="0 0 26 14" aria-hidden="true"><rect class="${kind}" width="26" height="14"/></svg>`;
}
