import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { RUN_PREFIX, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import type { RunRow } from '../../experiment/run-list/row.ts';
import { newestFirst } from '../../experiment/run-list/row.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import { listRuns, readRunRows } from '../../functions/stores/run-rows.ts';
import { renderRunsPage } from '../../report/runs-page.ts';
import { reply } from '../http/reply.ts';

export interface LivePage {
  /** Of the page of runs; who does not know its secret path sees nothing. */
  url: string;
  close(): Promise<void>;
}

export interface LivePageSettings {
  s3: S3Port;
  bucket: string;
  clock: Clock;
  /** Hard to guess: other users of this machine can reach its loopback too. */
  secret: string;
}

/** The latest runs that the page shows, so that it stays quick. */
const MAX_RUNS = 500;
const REFRESH_SECONDS = 1;

const IMAGES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};

/**
 * Serves the page of runs on 127.0.0.1 while runs go on, and what their folders hold, so that its links work. Read only.
 * What users' programs wrote is shown as text or image and never as a page of this address.
 */
export async function startLivePage(settings: LivePageSettings): Promise<LivePage> {
  const bucket = new Bucket(settings.s3, settings.bucket, settings.clock);
  const ended = new Map<string, RunRow>(); // What does not change any more is read once.
  const server = createServer((request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    const path = pathOf(request.url);
    if (host !== '127.0.0.1' || request.method !== 'GET' || !path.startsWith(`/${settings.secret}/`)) {
      reply(response, 403, 'text/plain; charset=utf-8', 'not a page of the local system\n');
      return;
    }
    answer(settings, bucket, ended, path.slice(settings.secret.length + 2), response).catch(
      (error: unknown) => {
        if (response.headersSent) response.destroy();
        else reply(response, 500, 'text/plain; charset=utf-8', `${String(error)}\n`);
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
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

async function answer(
  { clock }: LivePageSettings,
  bucket: Bucket,
  ended: Map<string, RunRow>,
  path: string,
  response: ServerResponse,
): Promise<void> {
  if (path === 'runs.html') {
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
    reply(response, 200, 'text/html; charset=utf-8', page, PLAIN);
    return;
  }
  const key = keyOf(path);
  const body = key === undefined ? undefined : await bucket.stream(key);
  if (key === undefined || body === undefined) {
    reply(response, 404, 'text/plain; charset=utf-8', 'there is no such object in the bucket\n', PLAIN);
    return;
  }
  const isReport = isReportKey(key);
  response.writeHead(200, {
    ...PLAIN,
    'content-type': isReport
      ? 'text/html; charset=utf-8'
      : (IMAGES[extname(key)] ?? 'text/plain; charset=utf-8'),
    'content-security-policy': isReport ? REPORT_POLICY : "sandbox; default-src 'none'",
  });
  await pipeline(Readable.from(body), response);
}

const PLAIN = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** The report's own is narrower; one that a task wrote over it reaches nothing else of this address either. */
const REPORT_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** Empty for what is no address: an error that is thrown here would end the whole local system. */
function pathOf(url = '/'): string {
  const base = 'http://127.0.0.1';
  return URL.canParse(url, base) ? new URL(url, base).pathname : '';
}

/** Only what lies in a run's folder. */
function keyOf(path: string): string | undefined {
  if (!path.startsWith(RUN_PREFIX)) return undefined;
  try {
    const key = decodeURIComponent(path);
    return key.split('/').includes('..') ? undefined : key;
  } catch {
    return undefined; // Not an escaped path.
  }
}

function isReportKey(key: string): boolean {
  const runId = key.slice(RUN_PREFIX.length).split('/')[0] ?? '';
  return isRunId(runId) && key === runKeys(runId).report;
}
