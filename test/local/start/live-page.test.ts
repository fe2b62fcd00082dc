import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import type { S3Port } from '../../../aws/ports.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { RunState } from '../../../experiment/records/status.ts';
import { realClock } from '../../../local/clock/real.ts';
import type { LivePage } from '../../../local/start/live-page.ts';
import { keptSecret, openerOf, startLivePage } from '../../../local/start/live-page.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { aStatus } from '../../fixtures/records.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const keys = runKeys('sweep-0123456789a');
let s3: S3Port;
let page: LivePage;

beforeEach(async () => {
  s3 = memoryS3('lab');
  page = await startLivePage({
    bucket: new Bucket(s3, 'lab', realClock),
    clock: realClock,
    secret: 'hard-to-guess',
  });
});
afterEach(() => page.close());

const put = (key: string, text: string) => s3.putObject({ Bucket: 'lab', Key: key, Body: text });

const status = (state: RunState) =>
  aStatus({
    runId: 'sweep-0123456789a',
    state,
    headline: 'Node 0 says so.',
    history: [{ state: 'submitted', at: '2026-01-01T00:00:00.000Z' }],
  });

/** As it is written: `fetch` would tidy the path and refuse to set Host. */
function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const { port } = new URL(page.url);
  return new Promise<{ code: number; type: string; policy: string; text: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      const { 'content-type': type = '', 'content-security-policy': policy = '' } = answer.headers;
      resolve({ code: answer.statusCode ?? 0, type, policy: String(policy), text });
    });
    sent.on('error', reject).end();
  });
}

test('shows each run as it is now, and its report', async () => {
  await put(keys.status, JSON.stringify(status('running')));
  expect((await get('/hard-to-guess/runs.html')).text).toMatch(/sweep-0123456789a[\s\S]*running/);
  await put(keys.status, JSON.stringify(status('succeeded')));
  await put(keys.report, '<p>the report</p>');
  const now = await get('/hard-to-guess/runs.html');
  expect(now.text).toContain('succeeded');
  expect(now.text).toContain(keys.report);
  expect(await get(`/hard-to-guess/${keys.report}`)).toMatchObject({
    code: 200,
    type: expect.stringContaining('text/html'),
    text: '<p>the report</p>',
  });
});

test('what a task wrote is no page of this address', async () => {
  await put(`${keys.outputs}report.html`, '<script>alert(1)</script>');
  expect(await get(`/hard-to-guess/${keys.outputs}report.html`)).toMatchObject({
    code: 200,
    type: expect.stringContaining('text/plain'),
    policy: expect.stringContaining('sandbox'),
  });
});

test('only who knows the path, on loopback, reads; nothing but folders of runs, and nobody writes', async () => {
  await put('control/sweep-0123456789a.json', '{"token":"secret"}');
  const folder = '/hard-to-guess/';
  expect((await get('/runs.html')).code).toBe(403);
  expect((await get(`${folder}runs.html`, { host: 'evil.example' })).code).toBe(403);
  expect((await get(`${folder}runs.html`, {}, 'POST')).code).toBe(403);
  expect((await get(`${folder}control/sweep-0123456789a.json`)).code).toBe(404);
  expect((await get(`${folder}runs/../control/sweep-0123456789a.json`)).code).toBe(404);
  expect((await get(`${folder}runs/%2e%2e/control/sweep-0123456789a.json`)).code).toBe(404);
  expect((await get(`${folder}runs/..%2fcontrol/sweep-0123456789a.json`)).code).toBe(404);
});

test('at a port of one’s own the address is the same after a restart, and only its owner can know it', async () => {
  const folder = folderOfItsOwn();
  const nonces = ['a', 'b', 'c'].map((letter) => letter.repeat(32));
  const nonce = () => nonces.shift() ?? '';
  const secret = keptSecret(folder, nonce);
  expect(keptSecret(folder, nonce)).toBe(secret);
  const file = join(folder, 'page-secret');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  // What others may have read, or a hand has spoilt, is none.
  chmodSync(file, 0o644);
  expect(keptSecret(folder, nonce)).toBe('b'.repeat(32));
  writeFileSync(file, '../x');
  expect(keptSecret(folder, nonce)).toBe('c'.repeat(32));

  const port = Number(new URL(page.url).port);
  const bucket = new Bucket(s3, 'lab', realClock);
  const again = () => startLivePage({ bucket, clock: realClock, secret: 'hard-to-guess', port });
  await expect(again()).rejects.toThrow(/EADDRINUSE/);
  const { url } = page;
  await page.close();
  page = await again();
  expect(page.url).toBe(url);
  expect((await get('/hard-to-guess/runs.html')).code).toBe(200);
});

test('a browser is given a file that only its owner reads, and no address', () => {
  const folder = folderOfItsOwn();
  const file = openerOf(folder, page);
  expect(file).not.toContain('hard-to-guess');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toContain(`url=${page.url}`);
});

test('an address that is none is refused, and the page stays up', async () => {
  expect((await get('//')).code).toBe(403);
  expect((await get('/hard-to-guess/runs.html')).code).toBe(200);
});
