import { lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Bucket } from '../../aws/bucket.ts';
import { RUNS_PAGE_KEY } from '../../experiment/layout/bucket-keys.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';
import { newestFirst } from '../../experiment/run-list/row.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import { listRuns, readRunRows } from '../../functions/stores/run-rows.ts';
import { html } from '../../report/page/html.ts';
import { renderRunsPage } from '../../report/runs-page.ts';
import { addressOf, answerText } from '../../report/server/bucket-files.ts';
import { RunPages } from '../../report/server/run-pages.ts';

export interface LivePage {
  /** Of the page of runs; who does not know its secret path sees nothing. */
  url: string;
  close(): Promise<void>;
}

export interface LivePageSettings {
  bucket: Bucket;
  clock: Clock;
  /** Hard to guess: other users of this machine can reach its loopback too. */
  secret: string;
  /** Without it, one that is free. */
  port?: number | undefined;
}

/** The latest runs that the page shows, so that it stays quick. */
const MAX_RUNS = 500;
const REFRESH_SECONDS = 1;

/**
 * Serves the page of runs on 127.0.0.1 while runs go on, and what their folders hold, so that its links work. Read only.
 * What users' programs wrote is shown as text or image and never as a page of this address.
 */
export async function startLivePage(settings: LivePageSettings): Promise<LivePage> {
  const { bucket } = settings;
  const ended = new Map<string, RunRow>(); // What does not change any more is read once.
  const pages = new RunPages({ bucket, clock: settings.clock, lookMs: REFRESH_SECONDS * 1000 });
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const { path, search } = addressOf(request.url);
    if (host !== '127.0.0.1' || request.method !== 'GET' || !path.startsWith(`/${settings.secret}/`)) {
      answerText(response, 403, 'plain', 'not a page of the local system\n');
      return;
    }
    const asked = path.slice(settings.secret.length + 2);
    const answered =
      asked === RUNS_PAGE_KEY ? answerRuns(settings, ended, response) : pages.answer(asked, search, response);
    answered.catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'plain', `${String(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(settings.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/${settings.secret}/runs.html`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * The secret of a page whose address stays the same, made when it is first needed. Nobody but the owner of the folder may read it.
 * @param folder `.sierra-batch`, absolute
 */
export function keptSecret(folder: string, nonce: MakeNonce): string {
  const file = join(folder, 'page-secret');
  const kept = lstatSync(file, { throwIfNoEntry: false });
  const text = kept?.isFile() === true && (kept.mode & 0o77) === 0 ? readFileSync(file, 'utf8').trim() : '';
  if (/^[0-9a-f]{32,}$/.test(text)) return text;
  rmSync(file, { force: true });
  const secret = nonce();
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  return secret;
}

/**
 * What a browser opens: a file that only its owner reads. Command lines are read by all users of a machine.
 * @param folder `.sierra-batch`, absolute
 */
export function openerOf(folder: string, { url }: LivePage): string {
  const file = join(folder, 'page.html');
  rmSync(file, { force: true });
  const page = html`<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url=${url}"><title>sierra-batch</title>`;
  writeFileSync(file, page.text, { mode: 0o600, flag: 'wx' });
  return file;
}

async function answerRuns(
  { bucket, clock }: LivePageSettings,
  ended: Map<string, RunRow>,
  response: ServerResponse,
): Promise<void> {
  const { runIds } = await listRuns(bucket);
  const rows = await readRunRows(
    bucket,
    runIds.filter((runId) => !ended.has(runId)),
  );
  for (const row of rows) if (isOutcome(row.state)) ended.set(row.runId, row);
  const underWay = rows.filter(({ runId }) => !ended.has(runId));
  const all = [...ended.values(), ...underWay].toSorted(newestFirst);
  const page = renderRunsPage({
    rows: all.slice(0, MAX_RUNS),
    older: all.slice(MAX_RUNS).map(({ runId }) => runId),
    bucket: bucket.name,
    madeAt: clock.now(),
    refreshSeconds: REFRESH_SECONDS,
  });
  answerText(response, 200, 'html', page);
}
