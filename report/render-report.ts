import { html, withCode } from './html.ts';
import type { ReportInput } from './report-input.ts';

/** The run as one HTML file that loads nothing. */
export function renderReport({ summary, manifest }: ReportInput): string {
  return html`<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'"><title>${summary.runId}</title><h1>${summary.headline}</h1><p>${summary.why}</p><p>${withCode(summary.next)}</p><pre>${manifest}</pre></html>
`.text;
}
