import type { FailureGroup } from '../../experiment/records/summary.ts';
import { counted, grouped } from '../../experiment/text/numbers.ts';
import type { Markup } from '../page/html.ts';
import { html, trustedMarkup } from '../page/html.ts';
import type { ReportInput } from '../page/input.ts';
import { fileLink } from '../page/links.ts';
import { shortened, shortLines } from '../page/short-text.ts';
import type { NodeNames } from './nodes/nodes.ts';

/** How much of failures is shown. */
interface Room {
  groups: number;
  command: number;
  lines: number;
  lineLength: number;
}

const WHOLE: Room = { groups: 50, command: 2000, lines: 40, lineLength: 1000 };
/** Of a run that goes on it is asked every second. */
const LIVE: Room = { groups: 6, command: 400, lines: 12, lineLength: 200 };

/** Failed tasks by what they have in common, each group with one of them as an example. */
export function failures(input: ReportInput, names: NodeNames): Markup | undefined {
  const { summary, live } = input;
  if (summary.failures.length === 0) return undefined;
  const room = live === undefined ? WHOLE : LIVE;
  const left = summary.failures.length - room.groups;
  return html`<section class="long">
<h2>Failures</h2>
<p class="note">${counted(summary.tasks.failed, 'failed task')}, grouped by how they ended and the last line they wrote; numbers shown as #.</p>
${summary.failures.slice(0, room.groups).map((group, at) => failure(input, group, { room, names, open: at === 0 }))}
${left > 0 && html`<p class="note">${counted(left, 'more group')}: shown once the run has ended.</p>`}
</section>`;
}

function failure(
  { summary: { runId }, outputOf }: ReportInput,
  { signature, count, nodes, example }: FailureGroup,
  { room, names, open }: { room: Room; names: NodeNames; open: boolean },
): Markup {
  const tail = example.stderrTail.trimEnd();
  const command = `sierra-batch logs ${runId} --task ${example.seq}`;
  const isKept = outputOf?.has(example.seq) === true;
  const file = `logs/tasks/${example.seq}.err`;
  return html`<details class="failure" data-key="${signature}"${open && trustedMarkup(' open')}>
<summary><span class="count">${grouped(count)} ×</span><code>${shortened(signature, 300)}</code></summary>
<p class="note">on ${counted(nodes, 'node')}; for instance task ${example.seq} on ${names(example.node)}</p>
${example.command !== '' && html`<pre class="wrap" tabindex="0">${shortened(example.command, room.command)}</pre>`}
${tail === '' ? html`<p class="note">It wrote nothing on stderr, or its output was not kept.</p>` : html`<p class="note">The end of what it wrote on stderr (${isKept ? fileLink(file, file, command) : html`<code>${command}</code>`}):</p><pre tabindex="0">${shortLines(lastLines(tail, room.lines), room.lineLength)}</pre>`}
</details>`;
}

function lastLines(text: string, most: number): string {
  return text.split('\n').slice(-most).join('\n');
}
