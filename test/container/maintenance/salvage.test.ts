import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanJobRequests, salvageJobRequest } from '../../../experiment/batch/maintenance-job.ts';
import { maintenanceKey, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import { realClock } from '../../../local/clock/real.ts';
import { killNode } from '../../../local/nodes/node-processes.ts';
import type { LocalSystem } from '../../../local/system/system.ts';
import { systemOfItsOwn } from '../../support/system-of-its-own.ts';

/** A tenth of it is enough on a quiet machine; there are five such waits in the test. */
const UNTIL_MS = 20_000;

const MANIFEST = `apiVersion: sierra-batch/v1
name: lost
cluster: {nodes: 2, vcpus: 2}
run:
  commands: {list: ["echo 1 > out/1; echo '{\\"n\\": 1}'", "echo 2 > out/2", "echo oh >&2; exit 3", "sleep 60", "sleep 60"]}
  jobsPerNode: 1
outputs: [out/]
results: {stdout: json}
inputs: [{from: "s3://sierra-batch-local/inputs/empty", to: out/empty}]
timeouts: {join: 20s, run: 2m}
`;

test('node 0 is lost: what shared storage has comes to the bucket, the report is made again, and storage is freed', {
  timeout: 110_000,
}, async () => {
  const { system, folder } = await systemOfItsOwn();
  const { s3, bucket, batch, deployment } = system;
  await s3.putObject({ Bucket: bucket, Key: 'inputs/empty', Body: '' });
  const key = 'manifests/lost.yaml';
  const { VersionId: version = '' } = await s3.putObject({ Bucket: bucket, Key: key, Body: MANIFEST });
  const runId = makeRunId('lost', { bucket, key, version });
  const keys = runKeys(runId);
  const inBucket = (name: string) => join(folder, 'bucket', name);
  const json = (name: string) =>
    existsSync(inBucket(name)) ? JSON.parse(readFileSync(inBucket(name), 'utf8')) : undefined;
  const onStorage = join(folder, 'shared/runs', runId);
  const rows = () =>
    existsSync(join(onStorage, 'joblog'))
      ? readFileSync(join(onStorage, 'joblog'), 'utf8').split('\n').length - 2
      : 0;

  const status = () => json(keys.status);
  const seen = () => ({
    joblog: existsSync(join(onStorage, 'joblog')) ? readFileSync(join(onStorage, 'joblog'), 'utf8') : '',
    nodes: readdirSync(join(folder, 'logs')).map((name) => readFileSync(join(folder, 'logs', name), 'utf8')),
  });
  await until('three rows on shared storage', () => rows() >= 3, seen);
  await killNode(`${json(keys.status).jobId}-1-0`);
  await until('a summary of a failed run', () => json(keys.summary)?.outcome === 'failed', status);
  expect(existsSync(inBucket(keys.outputIndex))).toBe(false);
  // The bucket had what node 0 sent every second; here it is as if it had been lost a second earlier.
  await s3.putObject({ Bucket: bucket, Key: keys.joblog, Body: '' });
  const before = json(keys.summary);
  await s3.putObject({ Bucket: bucket, Key: keys.summary, Body: '{}' });

  const { jobId = '' } = await batch.submitJob(salvageJobRequest(runId, deployment));
  await ended(system, jobId, 'SUCCEEDED');

  expect(json(maintenanceKey(jobId))).toMatchObject({ did: { rows: 3, outputs: 2, unsent: 0 } });
  expect(readFileSync(inBucket(`${keys.outputs}out/2`), 'utf8')).toBe('2\n');
  await until(
    'a summary of what was salvaged',
    () => json(keys.summary)?.tasks?.succeeded === 2,
    () => json(keys.summary),
  );
  expect(json(keys.summary)).toMatchObject({
    outcome: 'failed',
    headline: before.headline,
    tasks: { failed: 1 },
  });
  expect(readFileSync(inBucket(keys.report), 'utf8')).toContain('oh');
  expect(readFileSync(inBucket(keys.results), 'utf8')).toBe('[1,{"n":1}]\n');
  expect(readFileSync(inBucket(keys.tasksCsv), 'utf8')).toMatch(/^task,.*,n\r?\n/);
  expect(json(keys.owner).jobId).not.toBe(jobId);

  const [request] = cleanJobRequests({ runIds: [runId], workspaces: [] }, deployment, 'n');
  if (request === undefined) throw new Error('no request');
  const cleaning = await batch.submitJob(request);
  await ended(system, cleaning.jobId ?? '', 'SUCCEEDED');
  expect(existsSync(onStorage)).toBe(false);
  expect(existsSync(inBucket(keys.report))).toBe(true);
});

async function ended({ batch }: LocalSystem, jobId: string, status: string): Promise<void> {
  const job = async () => (await batch.describeJobs({ jobs: [jobId] })).jobs?.[0];
  const isOver = async () => [status, 'FAILED'].includes((await job())?.status ?? '');
  await until(`the end of job ${jobId}`, isOver, job);
  expect(await job()).toMatchObject({ status });
}

/** @param what the condition, in words. @param last what there is to see where it never holds */
async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  last: () => unknown = () => '',
): Promise<void> {
  const deadline = realClock.now() + UNTIL_MS;
  while (!(await holds())) {
    if (realClock.now() > deadline)
      throw new Error(`never within ${UNTIL_MS} ms: ${what}; last ${JSON.stringify(await last())}`);
    await realClock.sleep(50);
  }
}
