import type { Summary } from '../experiment/records/summary.ts';
import { CLIENT_SCRIPT } from './page/client.generated.ts';
import { html } from './page/html.ts';
import type { ReportInput } from './page/input.ts';
import { renderPage } from './page/page.ts';
import { again } from './sections/again.ts';
import { course } from './sections/course.ts';
import { facts } from './sections/facts.ts';
import { failures } from './sections/failures.ts';
import { graphs } from './sections/graphs.ts';
import { endOf, masthead } from './sections/masthead.ts';
import { nextTime } from './sections/next-time.ts';
import { nodeNames, nodes } from './sections/nodes.ts';
import { slowest } from './sections/slowest.ts';
import { byParameter } from './sections/tasks/by-parameter.ts';
import { durations } from './sections/tasks/durations.ts';
import { timeline } from './sections/timeline.ts';
import { day } from './sections/times.ts';

/**
 * A run as one HTML file that loads nothing and needs nothing: it can be mailed, archived, printed. All text of the run
 * is shown as text, whatever it holds.
 */
export function renderReport(input: ReportInput): string {
  const { summary, madeAt } = input;
  const names = nodeNames(input.nodes);
  const body = html`<main>
${masthead(input)}
${facts(input)}
${course(input)}
${failures(input, names)}
${byParameter(input.byParameter)}
${timeline(input)}
${durations(input.tasks)}
${slowest(input.tasks, names)}
${nodes(input)}
${nextTime(input)}
${graphs(input)}
${again(input)}
</main>
<footer>Made by sierra-batch on ${day(new Date(madeAt).toISOString())}. All times are UTC. This page loads nothing from anywhere.</footer>`;
  return renderPage({
    title: `${summary.runId}: ${summary.outcome}`,
    body,
    script: CLIENT_SCRIPT,
    ...(input.images?.shown.length ? { allow: { images: 'data:' as const } } : {}),
  });
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
