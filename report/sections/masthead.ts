import type { SummarySoFar } from '../../experiment/records/summary.ts';
import type { Markup } from '../page/html.ts';
import { html, withCode } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { day } from '../page/times.ts';
import { progress } from './progress.ts';
import { stateMark } from './state-mark.ts';

/** The outcome in a sentence, why, and what to do next. */
export function masthead(input: ReportInput): Markup {
  const { summary, run, history, madeAt } = input;
  return html`<header>
<div class="masthead">${stateMark(summary.outcome)}<span>${run.name}</span><span class="mono">${summary.runId}</span><span>${day(history[0]?.at ?? new Date(madeAt).toISOString())}</span></div>
${endOf(summary)}
${progress(input)}
</header>`;
}

export function endOf(summary: Pick<SummarySoFar, 'headline' | 'why' | 'next'>): Markup {
  return html`<h1>${headline(summary)}</h1>
<p class="why">${withCode(summary.why)}</p>
<div class="next"><p><b>Next</b>${withCode(summary.next)}</p></div>`;
}

/** A title carries no full stop. */
function headline({ headline: text }: Pick<SummarySoFar, 'headline'>): string {
  return text.replace(/(?<=[^.])\.$/, '');
}
