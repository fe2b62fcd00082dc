import { countsOf, failing } from '../../experiment/status/progress-words.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';

/** How far a run under way is: a bar, the counts and the time left; what fails most. */
export function progress({ live, summary }: ReportInput): Markup | undefined {
  const now = live?.progress;
  if (now === undefined || now.tasks.total === 0 || summary.outcome !== 'running') return undefined;
  const { total, succeeded, failed } = now.tasks;
  const share = (count: number) => Math.min(1000, Math.round((count / total) * 1000));
  const good = share(succeeded);
  return html`<div class="progress">
<svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><rect class="k-task" width="${good}" height="10"/><rect class="k-failed" x="${good}" width="${failed > 0 ? Math.max(4, share(failed)) : 0}" height="10"/></svg>
<p>${countsOf(now).join(' · ')}</p>
${failing(now).map((line) => html`<p class="bad">${line}</p>`)}
</div>`;
}
