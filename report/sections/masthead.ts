import type { Outcome, Summary } from '../../experiment/summary.ts';
import type { Markup } from '../html.ts';
import { html, trustedMarkup, withCode } from '../html.ts';
import type { ReportInput } from '../report-input.ts';
import { day } from './times.ts';

const MARKS: Readonly<Record<Outcome, { word: string; path: string }>> = {
  succeeded: { word: 'Succeeded', path: 'M3 10.5 8 15 17 5' },
  failed: { word: 'Failed', path: 'M4 4 16 16 M16 4 4 16' },
  cancelled: { word: 'Cancelled', path: 'M5 5H15V15H5Z' },
  'timed-out': { word: 'Timed out', path: 'M10 3a7 7 0 1 0 .01 0 M10 6V10L13 12' },
};

/** The outcome in a sentence, why, and what to do next. */
export function masthead({ summary, run, history, madeAt }: ReportInput): Markup {
  return html`<header>
<div class="masthead">${mark(summary)}<span>${run.name}</span><span class="mono">${summary.runId}</span><span>${day(history[0]?.at ?? new Date(madeAt).toISOString())}</span></div>
<h1>${headline(summary)}</h1>
<p class="why">${withCode(summary.why)}</p>
<div class="next"><p><b>Next</b>${withCode(summary.next)}</p></div>
</header>`;
}

function mark({ outcome }: Summary): Markup {
  const { word, path } = MARKS[outcome];
  return html`<span class="outcome ${outcome}"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="${trustedMarkup(path)}"/></svg>${word}</span>`;
}

/** A title carries no full stop. */
function headline({ headline: text }: Summary): string {
  return text.replace(/(?<=[^.])\.$/, '');
}
