import { createHash } from 'node:crypto';
import { STYLE_SHEET } from './client.generated.ts';
import type { Markup } from './html.ts';
import { html, trustedMarkup } from './html.ts';

export interface PageParts {
  title: string;
  body: Markup;
  /** The page's one script, of this project's own. */
  script: string;
  /** Sources of images, its own icon among them, and of requests that the page needs besides; none unless given. */
  allow?: { images?: 'data:'; requests?: "'self'" };
}

/** Bars of tasks in their slots. */
const ICON = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="#5b87ad" d="M1 2h8v3H1zM4 6.5h11v3H4zM1 11h6v3H1z"/><path fill="#c23b22" d="M8 11h5v3H8z"/></svg>')}`;

/**
 * A page that needs nothing but itself. Its policy lets run the one script and the one style sheet in it, known by their
 * hashes, and no request leave it unless it is allowed.
 */
export function renderPage({ title, body, script, allow = {} }: PageParts): string {
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
    `style-src ${hashSource(STYLE_SHEET)}`,
    ...(allow.images === undefined ? [] : [`img-src ${allow.images}`]),
    ...(allow.requests === undefined ? [] : [`connect-src ${allow.requests}`]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trustedMarkup(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
${allow.images !== undefined && html`<link rel="icon" href="${trustedMarkup(ICON)}">`}
<title>${title}</title>
<style>${trustedMarkup(STYLE_SHEET)}</style>
</head>
<body>
${body}
<script>${trustedMarkup(script)}</script>
</body>
</html>
`.text;
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
