import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cleanJobRequests, salvageJobRequest } from '../../../experiment/batch/maintenance-job.ts';
import { maintenanceKey, runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../experiment/layout/run-id.ts';
import { realClock } from '../../../local/clock/real.ts';
import { killNode } from '../../../local/nodes/node-processes.ts';
import type { LocalSystem } from '../../../local/system/system.ts';
import { systemOfItsOwn } from '../../support/system-of-its-own.ts';

const MANIFEST = `apiVersion: sierra-batch/v1
name: lost
cluster: {nodes: 2, vcpus: 2}
run:
  commands: {list: ["echo 1 > out/1", "echo 2 > out/2", "echo oh >&2; exit 3", "sleep 60", "sleep 60"]}
  jobsPerNode: 1
outputs: [out/]
inputs: [{from: "s3://sierra-batch-local/inputs/empty", to: out/empty}]
timeouts: {join: 20s, run: 2m}
`;

test('node 0 is lost: what shared storage has comes to the bucket, the report is made again, and storage is freed', async () => {
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

  await until(() => rows() >= 3);
  await killNode(`${json(keys.status).jobId}-1-0`);
  await until(() => json(keys.summary)?.outcome === 'failed');
  expect(existsSync(inBucket(keys.outputIndex))).toBe(false);
  // The bucket had what node 0 sent every second; here it is as if it had been lost a second earlier.
  await s3.putObject({ Bucket: bucket, Key: keys.joblog, Body: '' });
  const before = json(keys.summary);
  await s3.putObject({ Bucket: bucket, Key: keys.summary, Body: '{}' });

  const { jobId = '' } = await batch.submitJob(salvageJobRequest(runId, deployment));
  await ended(system, jobId, 'SUCCEEDED');

  expect(json(maintenanceKey(jobId))).toMatchObject({ did: { rows: 3, outputs: 3, unsent: 0 } });
  expect(readFileSync(inBucket(`${keys.outputs}out/2`), 'utf8')).toBe('2\n');
  await until(() => json(keys.summary)?.tasks?.succeeded === 2);
  expect(json(keys.summary)).toMatchObject({
    outcome: 'failed',
    headline: before.headline,
    tasks: { failed: 1 },
  });
  expect(readFileSync(inBucket(keys.report), 'utf8')).toContain('oh');
  expect(json(keys.owner).jobId).not.toBe(jobId);

  const [request] = cleanJobRequests({ runIds: [runId], workspaces: [] }, deployment, 'n');
  if (request === undefined) throw new Error('no request');
  const cleaning = await batch.submitJob(request);
  await ended(system, cleaning.jobId ?? '', 'SUCCEEDED');
  expect(existsSync(onStorage)).toBe(false);
  expect(existsSync(inBucket(keys.report))).toBe(true);
});

async function ended({ batch }: LocalSystem, jobId: string, status: string): Promise<void> {
  await until(async () => {
    const { jobs = [] } = await batch.describeJobs({ jobs: [jobId] });
    return jobs[0]?.status === status || jobs[0]?.status === 'FAILED';
  });
  const { jobs = [] } = await batch.describeJobs({ jobs: [jobId] });
  expect(jobs[0]).toMatchObject({ status });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = realClock.now() + 60_000;
  while (!(await holds())) {
    if (realClock.now() > deadline) throw new Error(`never: ${String(holds)}`);
    await realClock.sleep(50);
  }
}
