import type { Markup } from './html.ts';
import { html } from './html.ts';

/**
 * A file of the run, beside the page: on disk, and from whoever serves the page. The page's script puts the command there
 * where the page was opened by an address that is signed for it alone. @param path from the run's folder
 */
export function fileLink(path: string, shown: Markup | string, command: string): Markup {
  return html`<a class="file" href="./${path
    .split('/')
    .map((name) => encodeURIComponent(name.toWellFormed()))
    .join('/')}" data-command="${command}">${shown}</a>`;
}

/** The report of another run. */
export function runLink(runId: string): Markup {
  return html`<a class="file" href="../${encodeURIComponent(runId.toWellFormed())}/report.html" data-command="sierra-batch report ${runId}">${runId}</a>`;
}
