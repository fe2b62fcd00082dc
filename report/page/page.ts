import { createHash } from 'node:crypto';
import { STYLE_SHEET } from './client.generated.ts';
import type { Markup } from './html.ts';
import { html, trustedMarkup } from './html.ts';

export interface PageParts {
  title: string;
  body: Markup;
  /** The page's one script, of this project's own. */
  script: string;
  /** Sources of images and of requests that the page needs besides; none unless given. */
  allow?: { images?: 'data:'; requests?: "'self'" };
}

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
