import type { Advice } from '../../experiment/advice/right-sizing.ts';
import { rightSizing } from '../../experiment/advice/right-sizing.ts';
import { mostAtOnce, mostThatFit } from '../../experiment/figures/at-once.ts';
import { lifeSeconds } from '../../experiment/figures/vcpus-at-work.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';

/** What the next run like this one should ask for, as far as this one's figures tell. */
export function nextTime(input: ReportInput): Markup | undefined {
  const { summary, run, nodes, tasks } = input;
  const atOnce = mostAtOnce(tasks, input.attemptStart ?? Number.NEGATIVE_INFINITY);
  const advice = rightSizing({
    ...run,
    instanceType: run.price?.kind === 'free' ? undefined : run.instanceType,
    threadsPerTask: run.threadsPerTask ?? 1,
    durations: inOrder(input),
    isWhole:
      (input.attemptStart ?? Number.NEGATIVE_INFINITY) === Number.NEGATIVE_INFINITY &&
      (summary.tasks.before ?? 0) === 0 &&
      summary.tasks.total === summary.tasks.succeeded + summary.tasks.failed &&
      nodes.every(({ state }) => state === 'joined' || state === 'released'),
    runSeconds: summary.timings.runSeconds,
    fit: mostThatFit(tasks),
    utilisation: tasks.size === 0 ? null : summary.utilisation,
    nodeHours: summary.nodeHours,
    usage: nodes.map((node) => ({
      ...node,
      seconds: lifeSeconds(node),
      atOnce: atOnce.get(node.address ?? '') ?? 0,
    })),
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

/** Durations of all tries in the order of the tasks: rows of a joblog are in the order in which they ended. */
function inOrder({ tasks: { tries } }: ReportInput): Float64Array {
  const places = Uint32Array.from({ length: tries.size }, (_, at) => at);
  places.sort((a, b) => (tries.seqs[a] ?? 0) - (tries.seqs[b] ?? 0));
  return Float64Array.from(places, (at) => tries.runtime[at] ?? 0);
}
