import type { Advice } from '../../experiment/advice/right-sizing.ts';
import { rightSizing } from '../../experiment/advice/right-sizing.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { lifeSeconds } from './node-use.ts';

/** What the next run like this one should ask for, as far as this one's figures tell. */
export function nextTime(input: ReportInput): Markup | undefined {
  const { summary, run, nodes, tasks } = input;
  const advice = rightSizing({
    ...run,
    threadsPerTask: run.threadsPerTask ?? 1,
    durations: inOrder(input),
    runSeconds: summary.timings.runSeconds,
    utilisation: tasks.size === 0 ? null : summary.utilisation,
    nodeHours: summary.nodeHours,
    usage: nodes.map((node) => ({ ...node, seconds: lifeSeconds(node) })),
  });
  if (advice.length === 0) return undefined;
  return html`<section>
<h2>For the next run</h2>
<ul class="advice">${advice.map(entry)}</ul>
</section>`;
}

function entry({ sentence, change }: Advice): Markup {
  return html`<li>${sentence} ${/^\w+\.\w+: /.test(change) ? html`<code>${change}</code>` : html`<span class="note">To do: ${change}.</span>`}</li>`;
}

/** Durations in the order of the tasks: rows of a joblog are in the order in which they ended. */
function inOrder({ tasks }: ReportInput): Float64Array {
  const places = Uint32Array.from({ length: tasks.size }, (_, at) => at);
  places.sort((a, b) => (tasks.seqs[a] ?? 0) - (tasks.seqs[b] ?? 0));
  return Float64Array.from(places, (at) => tasks.runtime[at] ?? 0);
}
