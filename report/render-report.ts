import { createHash } from 'node:crypto';
import { CLIENT_SCRIPT, STYLE_SHEET } from './client.generated.ts';
import { html, trustedMarkup } from './html.ts';
import type { ReportInput } from './report-input.ts';
import { again } from './sections/again.ts';
import { course } from './sections/course.ts';
import { durations } from './sections/durations.ts';
import { facts } from './sections/facts.ts';
import { failures } from './sections/failures.ts';
import { masthead } from './sections/masthead.ts';
import { nodeNames, nodes } from './sections/nodes.ts';
import { slowest } from './sections/slowest.ts';
import { timeline } from './sections/timeline.ts';
import { day } from './sections/times.ts';

/**
 * A run as one HTML file that loads nothing and needs nothing: it can be mailed, archived, printed. Its policy lets run
 * the one script and the one style sheet in it, known by their hashes, and no request leave it. All text of the
 * run is shown as text, whatever it holds.
 */
export function renderReport(input: ReportInput): string {
  const { summary, madeAt } = input;
  const names = nodeNames(input.nodes);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trustedMarkup(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${summary.runId}: ${summary.outcome}</title>
<style>${trustedMarkup(STYLE_SHEET)}</style>
</head>
<body>
<main>
${masthead(input)}
${facts(input)}
${course(input)}
${failures(input, names)}
${timeline(input)}
${durations(input.tasks)}
${slowest(input.tasks, names)}
${nodes(input)}
${again(input)}
</main>
<footer>Made by sierra-batch on ${day(new Date(madeAt).toISOString())}. All times are UTC. This page loads nothing from anywhere.</footer>
<script>${trustedMarkup(CLIENT_SCRIPT)}</script>
</body>
</html>
`.text;
}

const POLICY = [
  "default-src 'none'",
  `script-src ${hashSource(CLIENT_SCRIPT)}`,
  `style-src ${hashSource(STYLE_SHEET)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
