import { runKeys } from '../experiment/layout/bucket-keys.ts';
import { isOutcome } from '../experiment/records/outcome.ts';
import type { RunRow } from '../experiment/run-list/row.ts';
import { newestFirst } from '../experiment/run-list/row.ts';
import { counted, grouped, nodeHoursSpoken, spoken } from '../experiment/text/numbers.ts';
import { parsedJson } from '../experiment/util/parse-json.ts';
import { RUNS_SCRIPT } from './page/client.generated.ts';
import type { Markup } from './page/html.ts';
import { html, jsonMarkup } from './page/html.ts';
import { renderPage } from './page/page.ts';
import { shortened } from './page/short-text.ts';
import { day } from './page/times.ts';
import { stateMark } from './sections/state-mark.ts';

export interface RunsPageInput {
  /** In any order; the newest is shown first. */
  rows: readonly RunRow[];
  /** Its name, for the heading. */
  bucket: string;
  /** Ids of runs that are there and not among the rows. */
  older?: readonly string[];
  /** When the page was made, in milliseconds since the epoch. */
  madeAt: number;
  /** Fetches itself every so many seconds and shows what has changed: for a server on loopback, which makes it anew. */
  refreshSeconds?: number;
}

/**
 * The page of runs, `runs.html`: one file beside `runs/`, so that its links to reports work wherever the bucket's tree
 * lies. Sorting is the page's own script; without it the table is there, newest first.
 */
export function renderRunsPage(input: RunsPageInput): string {
  const { rows, bucket, older = [], madeAt, refreshSeconds } = input;
  const sorted = rows.toSorted(newestFirst);
  const body = html`<main class="runs">
<header>
<h1>Runs</h1>
<p class="note">${told(sorted, older.length)} in <code>${bucket}</code>, as of ${day(new Date(madeAt).toISOString())}.</p>
</header>
${sorted.length === 0 ? html`<p>None yet. Drop a manifest under <code>manifests/</code>, or type <code>sierra-batch submit</code>.</p>` : table(sorted, refreshSeconds !== undefined)}
</main>
<footer>Made by sierra-batch. <span id="zone">All times are UTC.</span>${refreshSeconds === undefined ? ' This page loads nothing from anywhere; it is written again whenever a run ends.' : ' This page follows the runs while it is open.'}</footer>
<script type="application/json" id="runs-data">${jsonMarkup({ rows: sorted, older })}</script>`;
  return renderPage({
    title: `Runs in ${bucket}`,
    body:
      refreshSeconds === undefined
        ? body
        : html`${body}<div id="refresh" data-seconds="${refreshSeconds}" hidden></div>`,
    script: RUNS_SCRIPT,
    allow: {
      images: 'data:',
      ...(refreshSeconds === undefined ? {} : { requests: "'self'" as const }),
    },
  });
}

/** What a page holds of its runs, for the next one: whatever it is, or undefined where there is none. */
export function dataOfRunsPage(page: string): unknown {
  const [, data] = page.split('<script type="application/json" id="runs-data">', 2);
  return parsedJson(data?.split('</script>', 1)[0]) ?? undefined;
}

function told(rows: readonly RunRow[], left: number): string {
  const underway = rows.filter(({ state }) => !isOutcome(state)).length;
  return `${counted(rows.length + left, 'run')}${underway === 0 ? '' : `, ${grouped(underway)} under way`}${left === 0 ? '' : `, the latest ${grouped(rows.length)} of them here,`}`;
}

function table(rows: readonly RunRow[], isServed: boolean): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="All runs"><table id="runs">
<thead><tr><th scope="col" data-sort="text">State</th><th scope="col" data-sort="text">Run</th><th scope="col" data-sort="time" aria-sort="descending">Accepted</th><th scope="col" class="number" data-sort="number">Took</th><th scope="col" class="number" data-sort="number">Tasks</th><th scope="col" class="number" data-sort="number">Failed</th><th scope="col" class="number" data-sort="number">Nodes</th><th scope="col" class="number" data-sort="number">Node-hours</th></tr></thead>
<tbody>${rows.map((one) => row(one, isServed))}</tbody>
</table></div>`;
}

function row(run: RunRow, isServed: boolean): Markup {
  const { runId, state, headline, at, tasks, nodes, nodeHours } = run;
  const seconds = took(run);
  return html`<tr id="${runId}">
<td class="state" data-value="${state}">${stateMark(state)}</td>
<td class="run" data-value="${runId}">${link(run, isServed)}<span class="headline">${shortened(headline, 200)}</span></td>
<td class="when" data-value="${at}">${at === '' ? '–' : day(at)}</td>
${number(seconds, seconds === undefined ? '' : spoken(seconds))}
${number(tasks?.total, tasks === undefined ? '' : html`${done(tasks)}${bar(tasks)}`)}
${number(tasks?.failed, tasks === undefined ? '' : failed(tasks.failed))}
${number(nodes, nodes === undefined ? '' : grouped(nodes))}
${number(nodeHours, nodeHours === undefined ? '' : nodeHoursSpoken(nodeHours).replace(/ .*/, ''))}
</tr>
`;
}

/** A run that has ended has a report, one that goes on where the page is served; otherwise there is its status. */
function link({ runId, name, state }: RunRow, isServed: boolean): Markup {
  const keys = runKeys(runId);
  return html`<a href="${isServed || isOutcome(state) ? keys.report : keys.status}"><b>${name}</b>${runId.startsWith(name) ? runId.slice(name.length) : html` ${runId}`}</a>`;
}

function number(value: number | undefined, shown: Markup | string): Markup {
  return html`<td class="number" data-value="${value}">${value === undefined ? '–' : shown}</td>`;
}

function done({ total, succeeded }: { total: number; succeeded: number }): string {
  return succeeded === total ? grouped(total) : `${grouped(succeeded)} of ${grouped(total)}`;
}

/** How far a run is, or came: where all succeeded the number says it. */
function bar({ total, succeeded, failed }: NonNullable<RunRow['tasks']>): Markup | undefined {
  if (total === 0 || succeeded >= total) return undefined;
  const share = (count: number) => Math.min(100, Math.round((100 * count) / total));
  return html`<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect class="k-task" width="${share(succeeded)}" height="8"/><rect class="k-failed" x="${share(succeeded)}" width="${share(failed)}" height="8"/></svg>`;
}

function failed(count: number): Markup | string {
  return count === 0 ? '0' : html`<span class="bad">${grouped(count)}</span>`;
}

function took({ at, endedAt }: RunRow): number | undefined {
  const seconds = endedAt === undefined ? Number.NaN : (Date.parse(endedAt) - Date.parse(at)) / 1000;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}
