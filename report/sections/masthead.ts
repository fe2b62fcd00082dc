import type { Summary } from '../../experiment/records/summary.ts';
import type { Markup } from '../page/html.ts';
import { html, withCode } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { stateMark } from './state-mark.ts';
import { day } from './times.ts';

/** The outcome in a sentence, why, and what to do next. */
export function masthead({ summary, run, history, madeAt }: ReportInput): Markup {
  return html`<header>
<div class="masthead">${stateMark(summary.outcome)}<span>${run.name}</span><span class="mono">${summary.runId}</span><span>${day(history[0]?.at ?? new Date(madeAt).toISOString())}</span></div>
${endOf(summary)}
</header>`;
}

export function endOf(summary: Summary): Markup {
  return html`<h1>${headline(summary)}</h1>
<p class="why">${withCode(summary.why)}</p>
<div class="next"><p><b>Next</b>${withCode(summary.next)}</p></div>`;
}

/** A title carries no full stop. */
function headline({ headline: text }: Summary): string {
  return text.replace(/(?<=[^.])\.$/, '');
}
