import type { Summary } from '../experiment/records/summary.ts';
import { CLIENT_SCRIPT } from './page/client.generated.ts';
import type { Markup } from './page/html.ts';
import { html } from './page/html.ts';
import type { ReportInput } from './page/input.ts';
import { renderPage } from './page/page.ts';
import { day } from './page/times.ts';
import { again } from './sections/again.ts';
import { course } from './sections/course.ts';
import { facts } from './sections/facts.ts';
import { failures } from './sections/failures.ts';
import { graphs } from './sections/graphs.ts';
import { endOf, masthead } from './sections/masthead.ts';
import { nextTime } from './sections/next-time.ts';
import { nodeNames, nodeRows, nodes } from './sections/nodes/nodes.ts';
import { slowest } from './sections/slowest.ts';
import { byParameter } from './sections/tasks/by-parameter.ts';
import { durations } from './sections/tasks/durations.ts';
import { tasks } from './sections/tasks/tasks.ts';
import { timeline } from './sections/timeline.ts';

/** Where a page that is followed stands: what it has been given so far. */
export interface Followed {
  /** Another one: the page is to be loaded again. */
  key: string;
  version: number;
  /** Tries on its timeline. */
  tries: number;
}

/**
 * A run as one HTML file that loads nothing and needs nothing: it can be mailed, archived, printed. All text of the run
 * is shown as text, whatever it holds. @param followed of a run that goes on: the page asks its server for what changes
 */
export function renderReport(input: ReportInput, followed?: Followed): string {
  const { madeAt } = input;
  const rows = nodeRows(input);
  const parts = {
    ...reportParts(input),
    nodes: nodes(input, rows),
    timeline: timeline(input),
    tasks: tasks(input),
  };
  const body = html`<main>
${ORDER.map((name) => (name === 'timeline' || name === 'tasks' ? parts[name] : part(name, parts[name])))}
${nextTime(input)}
${graphs(input)}
${again(input)}
</main>
${followed === undefined ? html`<footer>Made by sierra-batch on ${day(new Date(madeAt).toISOString())}. All times are UTC. This page loads nothing from anywhere.</footer>` : following(followed, input.summary.runId)}`;
  return renderPage({
    title: titleOf(input),
    body,
    script: CLIENT_SCRIPT,
    allow: {
      ...(input.images?.shown.length || followed !== undefined ? { images: 'data:' as const } : {}),
      ...(followed === undefined ? {} : { requests: "'self'" as const }),
    },
  });
}

export function titleOf({ summary: { runId, outcome } }: ReportInput): string {
  return `${runId}: ${outcome}`;
}

const ORDER = [
  'masthead',
  'facts',
  'course',
  'failures',
  'byParameter',
  'timeline',
  'tasks',
  'durations',
  'slowest',
  'nodes',
] as const;

/** What changes while a run goes on, but for the timeline and the rows of nodes. */
export function reportParts(input: ReportInput) {
  const names = nodeNames(input.nodes);
  return {
    masthead: masthead(input),
    facts: facts(input),
    course: course(input),
    failures: failures(input, names),
    byParameter: byParameter(input.byParameter),
    durations: durations(input.tasks),
    slowest: slowest(input.tasks, names),
  };
}

function part(name: string, markup: Markup | undefined): Markup {
  return html`<div id="part-${name}">${markup}</div>`;
}

function following({ key, version, tries }: Followed, runId: string): Markup {
  const lost = `If the run is no longer watched: sierra-batch watch ${runId} --open.`;
  return html`<footer>Made by sierra-batch. All times are UTC. This page follows the run as long as <code>sierra-batch watch</code> runs.</footer>
<p id="connection" role="status"></p>
<div id="follow" data-key="${key}" data-version="${version}" data-tries="${tries}" data-lost="${lost}" hidden></div>`;
}

/** In place of a report that said otherwise: how the run ended, and no more. */
export function renderEnd(summary: Summary): string {
  return renderPage({
    title: `${summary.runId}: ${summary.outcome}`,
    body: html`<main><header>${endOf(summary)}</header></main>`,
    script: '',
  });
}

/** Whether a report says that the run ended so. */
export function saysEnd(report: string, summary: Summary): boolean {
  return report.includes(endOf(summary).text);
}
