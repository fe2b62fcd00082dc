import { grouped } from '../../../experiment/text/numbers.ts';
import type { Markup } from '../../page/html.ts';
import { html, jsonMarkup } from '../../page/html.ts';
import type { ReportInput } from '../../page/input.ts';
import type { TasksData } from '../../tasks/packed.ts';
import { chooseTasks, packTasks } from '../../tasks/parameters.ts';

/** The place and data of the table of tasks; the page's script fills it. */
export function tasks(input: ReportInput): Markup | undefined {
  const { summary, parameters, live, outputOf = new Set<number>() } = input;
  const { total } = summary.tasks;
  if (total === 0) return undefined;
  const chosen = chooseTasks(input.tasks, total);
  const data: TasksData = {
    total,
    isLive: live !== undefined,
    kept: [...outputOf],
    packed: packTasks({
      keys: parameters?.keys ?? [],
      columns: parameters?.columns ?? [],
      before: [...input.tasks.earlier.seqs],
      ...(chosen === undefined ? {} : { chosen }),
    }),
  };
  const extent =
    chosen === undefined
      ? ''
      : `Of ${grouped(total)} tasks it holds ${grouped(chosen.length)}: those that failed, the slowest, and an even sample of the others. `;
  return html`<section class="tasks">
<h2>Tasks</h2>
<p class="note">${extent}<span class="by-hand">Type what you look for, or a condition such as <code>seconds&gt;10 &amp;&amp; end!=succeeded</code>; <code>sierra-batch tasks ${summary.runId} --where</code> takes the same.</span></p>
<div id="tasks"><noscript><p class="note">The table is filled by the report’s own script, which is switched off here; <code>tasks.csv</code> holds it too.</p></noscript></div>
<p class="note on-paper">${grouped(total)} tasks: the table is on the page, and in <code>tasks.csv</code>.</p>
<script type="application/json" id="tasks-data">${jsonMarkup(data)}</script>
</section>`;
}
