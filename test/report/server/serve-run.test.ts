import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock } from '../../../local/clock/real.ts';
import type { RunServer } from '../../../report/server/serve-run.ts';
import { serveRun } from '../../../report/server/serve-run.ts';
import { RUN_ID } from '../../fixtures/records.ts';
import { RunInBucket } from './run-in-bucket.ts';

const SECRET = 'c0ffee0123456789';
let run: RunInBucket;
let server: RunServer;
let port: number;

beforeEach(async () => {
  run = new RunInBucket(realClock);
  await run.begin(2, 2, 10);
  await run.rows([{ seq: 1 }]);
  server = await serveRun({ bucket: run.bucket, clock: realClock, lookMs: 200 }, RUN_ID, SECRET);
  port = Number(/127\.0\.0\.1:(\d+)\/open/.exec(readFileSync(server.file, 'utf8'))?.[1]);
});
afterEach(() => server.close(0));

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

function ask(path: string, { method = 'GET', headers = {}, body = '' }: Asked = {}) {
  return new Promise<{ code: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, async (answer) => {
      const text = Buffer.concat(await answer.toArray()).toString();
      resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text });
    });
    sent.on('error', reject).end(body);
  });
}

const REPORT = `/runs/${RUN_ID}/report.html`;

async function cookie(): Promise<Record<string, string>> {
  const { headers } = await ask('/open', { method: 'POST', body: `secret=${SECRET}` });
  return { cookie: String(headers['set-cookie']).split(';')[0] ?? '' };
}

test('the file that opens it is for this user alone, and is gone afterwards', async () => {
  expect(statSync(server.file).mode & 0o777).toBe(0o600);
  expect(server.file).not.toContain(SECRET);
  await server.close(0);
  expect(() => statSync(server.file)).toThrow('ENOENT');
});

test('the secret becomes a cookie that no script and no other site uses, and stands in no address', async () => {
  const { code, headers, text } = await ask('/open', { method: 'POST', body: `secret=${SECRET}` });
  expect(code).toBe(200);
  expect(String(headers['set-cookie'])).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  expect(text).not.toContain(SECRET);
  expect((await ask('/', { headers: await cookie() })).headers.location).toBe(REPORT);
  expect((await ask(REPORT, { headers: await cookie() })).text).toContain('1 of 10');
});

test('who has no cookie, asks by another name, or would write is refused', async () => {
  const good = await cookie();
  expect((await ask(REPORT)).code).toBe(403);
  expect((await ask(REPORT, { headers: { cookie: `sierra-batch-${port}=guess` } })).code).toBe(403);
  expect((await ask(REPORT, { headers: { ...good, host: `evil.example:${port}` } })).code).toBe(403);
  expect((await ask(REPORT, { headers: { ...good, host: '127.0.0.1' } })).code).toBe(403);
  expect((await ask(REPORT, { headers: good, method: 'DELETE' })).code).toBe(403);
  expect((await ask('/open', { method: 'POST', body: 'secret=guess' })).code).toBe(403);
  expect((await ask('/open', { method: 'POST', body: `secret=${SECRET}${'x'.repeat(4000)}` })).code).toBe(
    403,
  );
  expect(
    (await ask('/open', { method: 'POST', headers: { host: 'evil.example' }, body: `secret=${SECRET}` }))
      .code,
  ).toBe(403);
  expect((await ask('//', { headers: good })).code).toBe(404);
});

test('what a task wrote is no page of this address, and no other folder is read', async () => {
  await run.put(`${run.keys.outputs}index.html`, '<script>alert(1)</script>');
  await run.put(run.keys.control, '{"token":"secret"}');
  const headers = await cookie();
  const found = await ask(`/${run.keys.outputs}index.html`, { headers });
  expect(found.headers).toMatchObject({
    'content-type': 'text/plain; charset=utf-8',
    'content-security-policy': expect.stringContaining('sandbox'),
  });
  expect((await ask(`/${run.keys.control}`, { headers })).code).toBe(404);
  expect((await ask(`/runs/%2e%2e/${run.keys.control}`, { headers })).code).toBe(404);
});

test('at the end the page is loaded again and is the report that is stored', async () => {
  const headers = await cookie();
  const { text } = await ask(REPORT, { headers });
  const step = () => ask(`${REPORT}/step?version=0&tries=0`, { headers });
  const key = /data-key="([^"]*)"/.exec(text)?.[1];
  expect(JSON.parse((await step()).text)).toMatchObject({ key, bars: { tries: 1 } });
  await run.status({ state: 'succeeded' });
  await run.put(run.keys.report, '<p>the report</p>');
  await expect.poll(async () => JSON.parse((await step()).text).key).not.toBe(key);
  const closed = server.close();
  expect((await ask(REPORT, { headers })).text).toBe('<p>the report</p>');
  await closed;
  await expect(ask(REPORT, { headers })).rejects.toThrow();
});
