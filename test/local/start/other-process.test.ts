import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import { realClock } from '../../../local/clock/real.ts';
import type { LocalSystem } from '../../../local/system/system.ts';
import { watchRun } from '../../../submission/watch-run.ts';
import { readJson } from '../../../test/aws/read-object.ts';
import { systemOfItsOwn } from '../../support/system-of-its-own.ts';
import { manifest } from './npm-start.ts';

const OTHER = fileURLToPath(new URL('./other-process.ts', import.meta.url));

test('another process sees and stops a run through the real SDK and its endpoint variables alone', {
  timeout: 60_000,
}, async () => {
  const { system } = await systemOfItsOwn();
  const runId = await drop(system, manifest({}, { list: ['sleep 60', 'sleep 60'] }));
  await untilRunning(system, runId);

  const arn = executionArn(system.deployment.stateMachineArn, runId);
  const seen = await other([system.bucket, runId, arn], system.endpoint);
  expect(seen).toMatchObject({
    keys: expect.arrayContaining([`runs/${runId}/plan.json`, `runs/${runId}/status.json`]),
    state: 'running',
    jobs: [{ jobName: runId, jobStatus: 'RUNNING' }, { nodeDetails: { nodeIndex: 0, isMainNode: true } }],
    before: 'RUNNING',
    after: 'ABORTED',
  });
  const { s3, bucket } = system;
  const summary = await watchRun(new Bucket(s3, bucket, realClock), runId, {
    clock: realClock,
    signal: AbortSignal.timeout(20_000),
  });
  expect(summary).toMatchObject({ outcome: 'cancelled' });

  await expect(
    other([system.bucket, runId, arn], { ...system.endpoint, AWS_ACCESS_KEY_ID: 'stranger' }),
  ).rejects.toThrow(/InvalidClientTokenId|403/);
});

async function drop({ s3, bucket }: LocalSystem, text: string): Promise<string> {
  const key = 'manifests/m.json';
  const { VersionId: version = '' } = await s3.putObject({ Bucket: bucket, Key: key, Body: text });
  return makeRunId('small', { bucket, key, version });
}

async function untilRunning({ s3, bucket }: LocalSystem, runId: string): Promise<void> {
  for (const until = Date.now() + 20_000; Date.now() < until; await realClock.sleep(50)) {
    const status = await readJson<{ state: string }>(s3, bucket, runKeys(runId).status);
    if (status?.state === 'running') return;
  }
  throw new Error('the run did not begin');
}

async function other(args: readonly string[], endpoint: Readonly<Record<string, string>>): Promise<unknown> {
  const child = spawn(process.execPath, [OTHER, ...args], {
    env: { PATH: process.env.PATH, ...endpoint },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const [code]: unknown[] = await once(child, 'close');
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}
