import { spoken } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';

/** The states that a run can be in and leave again; an outcome ends the last of them. */
const SHOWN = ['submitted', 'queued', 'starting', 'joining', 'running', 'collecting'];

/** Where the run's time went: its states as one bar, in proportion. */
export function course({ history }: ReportInput): Markup | undefined {
  const times = history.map(({ at, ...entry }) => ({ attempt: 0, ...entry, at: Date.parse(at) }));
  const first = times[0]?.at ?? 0;
  const whole = (times.at(-1)?.at ?? 0) - first;
  if (times.length < 2 || !(whole > 0)) return undefined;
  const parts = times
    .slice(0, -1)
    .map((entry, index) => ({ ...entry, seconds: ((times[index + 1]?.at ?? entry.at) - entry.at) / 1000 }))
    .filter(({ state, seconds }) => SHOWN.includes(state) && seconds > 0);
  return html`<div class="course">
<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">${parts.map(
    ({ state, at, seconds }) =>
      html`<rect class="s-${state}" x="${Math.round(((at - first) / whole) * 1000)}" width="${Math.max(2, Math.round((seconds * 1000 * 1000) / whole))}" height="10"/>`,
  )}</svg>
<ol>${parts.map(({ state, attempt, seconds }, index) => {
    const isNext = attempt > 1 && attempt > (parts[index - 1]?.attempt ?? 0);
    return html`<li class="s-${state}"><span class="state">${isNext && `attempt ${attempt}: `}${state} ${spoken(seconds)}</span></li>`;
  })}</ol>
</div>`;
}
