import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { FailureGroup } from '../../experiment/records/summary.ts';
import { counted, grouped } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html, trustedMarkup } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { shortened, shortLines } from '../page/short-text.ts';
import type { NodeNames } from './nodes.ts';

/** Failed tasks by what they have in common, each group with one of them as an example. */
export function failures({ summary }: ReportInput, names: NodeNames): Markup | undefined {
  if (summary.failures.length === 0) return undefined;
  const keys = runKeys(summary.runId);
  return html`<section class="long">
<h2>Failures</h2>
<p class="note">${counted(summary.tasks.failed, 'failed task')}, grouped by how they ended and the last line they wrote; numbers shown as #.</p>
${summary.failures.map((group, at) => failure(group, names, keys.taskOutput(group.example.seq, 'err'), at === 0))}
</section>`;
}

function failure(
  { signature, count, nodes, example }: FailureGroup,
  names: NodeNames,
  key: string,
  open: boolean,
): Markup {
  const tail = example.stderrTail.trimEnd();
  return html`<details class="failure"${open && trustedMarkup(' open')}>
<summary><span class="count">${grouped(count)} ×</span><code>${shortened(signature, 300)}</code></summary>
<p class="note">on ${counted(nodes, 'node')}; for instance task ${example.seq} on ${names(example.node)}</p>
${example.command !== '' && html`<pre class="wrap" tabindex="0">${shortened(example.command, 2000)}</pre>`}
${tail === '' ? html`<p class="note">It wrote nothing on stderr, or its output was not kept.</p>` : html`<p class="note">The end of what it wrote on stderr (<code>${key}</code>):</p><pre tabindex="0">${shortLines(lastLines(tail, 40), 1000)}</pre>`}
</details>`;
}

function lastLines(text: string, most: number): string {
  return text.split('\n').slice(-most).join('\n');
}
