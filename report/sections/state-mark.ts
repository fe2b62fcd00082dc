import type { Outcome } from '../../experiment/records/outcome.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import type { RunState } from '../../experiment/records/status.ts';
import type { Markup } from '../page/html.ts';
import { html, trustedMarkup } from '../page/html.ts';

const MARKS: Readonly<Record<Outcome, { word: string; path: string }>> = {
  succeeded: { word: 'Succeeded', path: 'M3 10.5 8 15 17 5' },
  failed: { word: 'Failed', path: 'M4 4 16 16 M16 4 4 16' },
  cancelled: { word: 'Cancelled', path: 'M5 5H15V15H5Z' },
  'timed-out': { word: 'Timed out', path: 'M10 3a7 7 0 1 0 .01 0 M10 6V10L13 12' },
};

/** A state as a word with a mark that tells it without colour; a run that goes on has a ring, open on one side. */
export function stateMark(state: RunState): Markup {
  const { word, path } = isOutcome(state)
    ? MARKS[state]
    : { word: state.charAt(0).toUpperCase() + state.slice(1), path: 'M17 10a7 7 0 1 1-7-7' };
  return html`<span class="outcome ${isOutcome(state) ? state : 'underway'}"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="${trustedMarkup(path)}"/></svg>${word}</span>`;
}
