import type { ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Bucket } from '../../aws/bucket.ts';
import { RUN_PREFIX, RUNS_PAGE_KEY, runKeys } from '../../experiment/layout/bucket-keys.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';

const IMAGES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
};

/** Of every answer. */
export const PLAIN = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

/** The page's own is narrower; one that a task wrote over it reaches nothing else of this address either. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A text as the whole answer. */
export function answerText(
  response: ServerResponse,
  code: number,
  type: 'html' | 'plain',
  text: string,
): void {
  response.writeHead(code, { ...PLAIN, 'content-type': `text/${type}; charset=utf-8` });
  response.end(text);
}

/**
 * An object of a run's folder, or the page of runs, so that links of a served page work. What users' programs wrote is shown
 * as text or image and never as a page of this address. @param path below the address of the bucket's tree
 */
export async function answerFile(bucket: Bucket, path: string, response: ServerResponse): Promise<void> {
  const key = keyOf(path);
  const body = key === undefined ? undefined : await bucket.stream(key);
  if (key === undefined || body === undefined) {
    answerText(response, 404, 'plain', 'there is no such object in the bucket\n');
    return;
  }
  const isPage = isPageKey(key);
  response.writeHead(200, {
    ...PLAIN,
    'content-type': isPage
      ? 'text/html; charset=utf-8'
      : (IMAGES[extname(key)] ?? 'text/plain; charset=utf-8'),
    'content-security-policy': isPage ? PAGE_POLICY : "sandbox; default-src 'none'",
  });
  await pipeline(Readable.from(body), response);
}

/** Only what lies in a run's folder, and the page of runs. */
function keyOf(path: string): string | undefined {
  if (path === RUNS_PAGE_KEY) return path;
  if (!path.startsWith(RUN_PREFIX)) return undefined;
  try {
    const key = decodeURIComponent(path);
    return key.split('/').includes('..') ? undefined : key;
  } catch {
    return undefined; // Not an escaped path.
  }
}

function isPageKey(key: string): boolean {
  const runId = reportOf(key);
  return key === RUNS_PAGE_KEY || runId !== undefined;
}

/** The run whose report a key is. */
export function reportOf(key: string): string | undefined {
  const runId = key.slice(RUN_PREFIX.length).split('/')[0] ?? '';
  return isRunId(runId) && key === runKeys(runId).report ? runId : undefined;
}

/** Of a request; empty for what is no address: an error that is thrown here would end the whole process. */
export function addressOf(url = '/'): { path: string; search: URLSearchParams } {
  const base = 'http://127.0.0.1';
  if (!URL.canParse(url, base)) return { path: '', search: new URLSearchParams() };
  const { pathname, searchParams } = new URL(url, base);
  return { path: pathname, search: searchParams };
}
