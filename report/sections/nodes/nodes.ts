import { lifeSeconds, vcpusAtWork } from '../../../experiment/figures/vcpus-at-work.ts';
import type { NodeRecord, NodeState } from '../../../experiment/records/nodes.ts';
import type { Summary } from '../../../experiment/records/summary.ts';
import { clock } from '../../../experiment/text/instant.ts';
import { counted, grouped, percent, spoken } from '../../../experiment/text/numbers.ts';
import type { Markup } from '../../page/html.ts';
import { html } from '../../page/html.ts';
import type { ReportInput } from '../../page/input.ts';
import { fileLink } from '../../page/links.ts';
import { LOAD_HEADINGS, loadCells } from './load.ts';

type Attempt = NonNullable<Summary['attempts']>[number];

/** From a joblog's host to how the report calls that node. */
export type NodeNames = (host: string) => string;

export function nodeNames(nodes: readonly NodeRecord[]): NodeNames {
  const names = new Map(nodes.map(({ address, index }) => [address, `node ${index}`]));
  return (host) => names.get(host) ?? host;
}

const STATES: Readonly<Record<NodeState, string>> = {
  joined: 'joined',
  late: 'came late',
  lost: 'lost',
  'never-came': 'never came',
  released: 'released at the end',
};

/** A row a node, by the id that its element has. */
export function nodeRows({ nodes: records, summary, live, load }: ReportInput): Map<string, Markup> {
  const use = new Map(summary.nodes.map((node) => [node.index, node]));
  const columns = measured(records);
  const loadOf = loadCells(load);
  const sorted = records.toSorted((a, b) => a.index - b.index);
  return new Map(
    sorted.map((node) => [
      `node-${node.index}`,
      row(node, use.get(node.index), {
        ...columns,
        load: loadOf(node.index),
        log: live === undefined ? logOf(summary.runId, node) : undefined,
      }),
    ]),
  );
}

/** Sent as the node ends: of one that was lost there may be none. */
function logOf(runId: string, { index, state }: NodeRecord): Markup | undefined {
  if (state === 'lost' || state === 'never-came') return undefined;
  return fileLink(`logs/nodes/${index}.log`, `${index}`, `sierra-batch logs ${runId} --node ${index}`);
}

function vcpusOf(node: NodeRecord): number | undefined {
  return vcpusAtWork(node.cpuSeconds, lifeSeconds(node));
}

function measured(records: readonly NodeRecord[]) {
  return {
    memory: records.some(({ peakMemoryMiB }) => peakMemoryMiB !== undefined),
    cpu: records.some((record) => vcpusOf(record) !== undefined),
  };
}

/** Each node with what it did. @param rows those that are shown at once */
export function nodes(
  { nodes: records, attemptStart, load, summary: { attempts = [] } }: ReportInput,
  rows: ReadonlyMap<string, Markup>,
): Markup | undefined {
  if (records.length === 0) return undefined;
  const { memory, cpu } = measured(records);
  const table = html`<div class="scroll" tabindex="0" role="region" aria-label="Nodes"><table>
<thead><tr><th class="number">Node</th><th>Address</th><th class="number">Slots</th><th class="number">Tries</th><th class="number">Busy</th><th>of its slots’ time</th>${load !== undefined && LOAD_HEADINGS}${memory && html`<th class="number">Peak memory</th>`}${cpu && html`<th class="number">vCPUs at work</th>`}<th>Joined</th><th>State</th></tr></thead>
<tbody id="node-rows">${[...rows.values()]}</tbody>
</table></div>`;
  return html`<section class="long">
<h2>Nodes</h2>
${attempts.slice(0, -1).map(earlier)}
${Number.isFinite(attemptStart) && html`<p class="note">In the last attempt.</p>`}
${load !== undefined && html`<p class="note">CPU, memory and disk over time, each of what the node has, from ${clock(load.from)} UTC on.</p>`}
${records.length > 40 ? html`<details><summary>All ${grouped(records.length)} nodes</summary>${table}</details>` : table}
</section>`;
}

/** What an attempt did that another one followed: the rows are of the last one. */
function earlier({ attempt, ended, underWay, seconds, lost }: Attempt): Markup {
  const open = underWay === undefined || underWay === 0 ? '' : `, ${grouped(underWay)} under way at its end`;
  return html`<p class="note">Attempt ${attempt}: ${counted(ended, 'task')} ended${seconds !== null && ` in ${spoken(seconds)}`}${open}${lost.map(
    ({ node, at, because }) =>
      html`; <span class="bad">node ${node} lost at ${clock(at)}${because !== '' && `: ${because}`}</span>`,
  )}.</p>`;
}

function row(
  node: NodeRecord,
  use: Summary['nodes'][number] | undefined,
  { memory, cpu, load, log }: { memory: boolean; cpu: boolean; load: Markup[]; log: Markup | undefined },
): Markup {
  const vcpus = vcpusOf(node);
  const { tasks = 0, busySeconds = 0, share = null } = use ?? {};
  const gone = node.state === 'lost' || node.state === 'never-came';
  const because = node.lostBecause === undefined ? '' : `: ${node.lostBecause}`;
  const at = node.lostAt === undefined ? '' : ` at ${clock(node.lostAt)}`;
  return html`<tr id="node-${node.index}"><td class="number">${log ?? node.index}</td><td class="mono">${node.address ?? '–'}</td><td class="number">${node.slots}</td><td class="number">${grouped(tasks)}</td><td class="number">${spoken(busySeconds)}</td><td class="share"><svg viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="${share === null ? 'none' : percent(share)}"><rect class="k-task" width="${Math.round((share ?? 0) * 100)}" height="8"/></svg></td>${load}${memory && html`<td class="number">${node.peakMemoryMiB === undefined ? '–' : `${grouped(node.peakMemoryMiB)} MiB`}</td>`}${cpu && html`<td class="number">${vcpus === undefined ? '–' : vcpus.toFixed(1)}</td>`}<td>${node.joinedAt === undefined ? '–' : clock(node.joinedAt)}</td><td class="fate">${gone ? html`<span class="bad">${STATES[node.state]}${at}${because}</span>` : STATES[node.state]}${leftOut(node)}${wrongClock(node)}</td></tr>`;
}

function leftOut({ leftOutBecause: why }: NodeRecord): Markup | undefined {
  return why === undefined ? undefined : html`; <span class="bad">took no more tasks: ${why}</span>`;
}

/** Its tasks' own times are as wrong; ours are told in node 0's time. */
function wrongClock({ clockAheadSeconds: ahead }: NodeRecord): Markup | undefined {
  if (ahead === undefined) return undefined;
  return html`; <span class="bad">its clock is ${spoken(Math.abs(ahead))} ${ahead > 0 ? 'ahead' : 'behind'}</span>`;
}
