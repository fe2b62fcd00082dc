import { timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { html } from '../page/html.ts';
import { addressOf, answerText, PLAIN } from './bucket-files.ts';
import type { PagesOf } from './run-pages.ts';
import { pathOfReport, RunPages } from './run-pages.ts';

export interface RunServer {
  /** What a browser opens: a file that only this user reads, for it carries the secret. */
  file: string;
  /** Gives a page that still follows the run its end, and ends. @param withinMs how long it waits for the page to ask */
  close(withinMs?: number): Promise<void>;
}

const HOST = '127.0.0.1';
const LEAVE_MS = 5000;
const MAX_FORM_BYTES = 1024;

/**
 * Serves the page of a run on loopback, read only. Other users of this machine reach loopback too: who has not posted the
 * secret of the file has no cookie, and sees nothing. No command line and no address carries either.
 * @param secret hard to guess
 */
export async function serveRun(of: PagesOf, runId: string, secret: string): Promise<RunServer> {
  const pages = new RunPages(of);
  let port = 0;
  const server = createServer((request, response) => {
    const answered = answer({ pages, runId, secret, port }, request, response);
    answered.catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else answerText(response, 502, 'plain', `The bucket cannot be read: ${String(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, HOST, resolve);
  });
  port = portOf(server.address());
  const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-'));
  const file = join(folder, `${runId}.html`);
  writeFileSync(file, opener(port, secret), { mode: 0o600 });
  const forget = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', forget);
  return {
    file,
    close: async (withinMs = LEAVE_MS) => {
      await pages.untilSeen(withinMs);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      process.off('exit', forget);
      forget();
    },
  };
}

interface Served {
  pages: RunPages;
  runId: string;
  secret: string;
  port: number;
}

async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pages, runId, secret, port } = served;
  const { path, search } = addressOf(request.url);
  // A name that somebody else's DNS points here is not this server's.
  if (request.headers.host !== `${HOST}:${port}`) return refuse(response);
  if (request.method === 'POST' && path === '/open') return open(served, request, response);
  if (request.method !== 'GET' || !hasCookie(request, port, secret)) return refuse(response);
  if (path !== '/') return pages.answer(path.slice(1), search, response);
  response.writeHead(303, { ...PLAIN, location: pathOfReport(runId) });
  response.end();
}

/**
 * A redirect here would still count as begun by the file, which is another site: browsers withhold a SameSite=Strict cookie
 * from it. The page that this answers goes on by itself.
 */
async function open(
  { runId, secret, port }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > MAX_FORM_BYTES) return refuse(response);
  }
  if (!isSame(new URLSearchParams(body).get('secret') ?? '', secret)) return refuse(response);
  response.setHeader('set-cookie', `${cookieName(port)}=${secret}; HttpOnly; SameSite=Strict; Path=/`);
  const page = html`<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=${pathOfReport(runId)}"><title>${runId}</title>`;
  answerText(response, 200, 'html', page.text);
}

function refuse(response: ServerResponse): void {
  answerText(response, 403, 'plain', 'Open this page by the file that `sierra-batch watch --open` names.\n');
}

/** Cookies know no port: each server has its own. */
function cookieName(port: number): string {
  return `sierra-batch-${port}`;
}

function hasCookie({ headers }: IncomingMessage, port: number, secret: string): boolean {
  const cookies = (headers.cookie ?? '').split('; ').map((cookie) => cookie.split('='));
  return cookies.some(([name, value = '']) => name === cookieName(port) && isSame(value, secret));
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function opener(port: number, secret: string): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>sierra-batch</title>
<form method="post" action="http://${HOST}:${port}/open"><input type="hidden" name="secret" value="${secret}"><button>Open the page of the run</button></form>
<script>document.forms[0].submit()</script>
</html>
`.text;
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
