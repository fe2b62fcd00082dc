import { endingWords } from '../../experiment/records/ending.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { spoken } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html } from '../page/html.ts';
import { shortened } from '../page/short-text.ts';
import type { NodeNames } from './nodes/nodes.ts';

/** The tasks that took longest, as far as there are enough of them to make the question worth asking. */
export function slowest(tasks: TaskTable, names: NodeNames): Markup | undefined {
  if (tasks.size < 5) return undefined;
  const rows = tasks.slowest.slice(0, Math.min(10, Math.ceil(tasks.size / 5)));
  return html`<section class="long">
<h2>Slowest tasks</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Slowest tasks"><table>
<thead><tr><th class="number">Task</th><th class="number">Took</th><th>Node</th><th>Ended</th><th>Command</th></tr></thead>
<tbody>${rows.map((at) => row(tasks, at, names))}</tbody>
</table></div>
</section>`;
}

function row(tasks: TaskTable, at: number, names: NodeNames): Markup {
  const seq = tasks.seqs[at] ?? 0;
  const ending = tasks.ending[at] ?? { kind: 'succeeded' };
  return html`<tr><td class="number">${seq}</td><td class="number">${exactly(tasks.runtime[at] ?? 0)}</td><td class="name">${names(tasks.hosts[tasks.host[at] ?? 0] ?? '')}</td><td>${ending.kind === 'succeeded' ? 'succeeded' : html`<span class="bad">${endingWords(ending)}</span>`}</td><td class="command">${shortened(tasks.commands.get(seq) ?? '', 300)}</td></tr>`;
}

/** Slow tasks are close to each other: a digit more than people say. */
function exactly(seconds: number): string {
  return seconds >= 1 && seconds < 100 ? `${seconds.toFixed(1)} s` : spoken(seconds);
}
