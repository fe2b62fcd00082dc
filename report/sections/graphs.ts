import { experimentsSpoken } from '../../experiment/diagnosis/incomplete-runs.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { SET_ASIDE } from '../../experiment/results/whole-runs.ts';
import { counted } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { fileLink } from '../page/links.ts';

/**
 * The pictures that the run made: SIERRA's graphs, or what other tasks drew. An `img` runs nothing that is in it. What
 * SIERRA made of fewer runs than there should be is told here, of every experiment.
 */
export function graphs({ images, summary: { runId, incomplete = [] } }: ReportInput): Markup | undefined {
  const means =
    incomplete.length > 0 &&
    html`<p class="note">Means are of ${experimentsSpoken(incomplete, incomplete.length)}; what the other runs left is in <code>${SET_ASIDE}</code> beside <code>exp-outputs</code>.</p>`;
  if (images === undefined || images.shown.length === 0)
    return incomplete.length === 0
      ? undefined
      : html`<section class="long">
<h2>Statistics</h2>
${means}
</section>`;
  const { outputs } = runKeys(runId);
  const left =
    images.left === 0
      ? ''
      : ` ${counted(images.left, 'more picture')} ${images.left === 1 ? 'lies' : 'lie'} there.`;
  return html`<section class="long">
<h2>Graphs</h2>
<p class="note">Pictures among the outputs, under <code>${outputs}</code>.${left}</p>
${means}
<div class="graphs">${images.shown.map(({ path, type, base64 }) => html`<figure><img src="data:${type};base64,${base64}" alt="${nameOf(path)}"><figcaption>${fileLink(`outputs/${path}`, path, `sierra-batch fetch ${runId}`)}</figcaption></figure>`)}</div>
</section>`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
