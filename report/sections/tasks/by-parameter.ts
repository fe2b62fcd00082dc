import type { ByParameter, OfValue } from '../../../experiment/diagnosis/by-parameter.ts';
import { grouped, spoken } from '../../../experiment/text/numbers.ts';
import type { Markup } from '../../page/html.ts';
import { html } from '../../page/html.ts';
import { shortened } from '../../page/short-text.ts';

/** What became of the tasks with each value of each parameter. */
export function byParameter(found: ByParameter | undefined): Markup | undefined {
  if (found === undefined || found.tables.length === 0) return undefined;
  const rows = found.tables.flatMap(({ key, values }) =>
    values.map((value, at) => row(at === 0 ? key : '', value)),
  );
  return html`<section>
<h2>By parameter</h2>
<p class="note">Tasks of this run that ended, by each value of a parameter; the mean is of those that succeeded.</p>
<div class="scroll" tabindex="0" role="region" aria-label="By parameter"><table>
<thead><tr><th>Parameter</th><th>Value</th><th class="number">Tasks</th><th class="number">Failed</th><th class="number">Mean time</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>
</section>`;
}

function row(key: string, { value, tasks, failed, seconds }: OfValue): Markup {
  const good = tasks - failed;
  return html`<tr><td>${shortened(key, 60)}</td><td class="mono">${shortened(value, 60)}</td><td class="number">${grouped(tasks)}</td><td class="number">${failed === 0 ? '–' : html`<span class="bad">${grouped(failed)}</span>`}</td><td class="number">${good === 0 ? '–' : spoken(seconds / good)}</td></tr>`;
}
