import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BatchClient, ListJobsCommand } from '@aws-sdk/client-batch';
import { S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { s3Port } from '../../../../aws/clients/s3.ts';
import { openFolderBucket } from '../../../../local/aws/s3/folder-bucket.ts';
import { memoryBodies } from '../../../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../../../local/aws/s3/object-index.ts';
import type { CreatedObject } from '../../../../local/aws/s3/s3.ts';
import { LocalS3 } from '../../../../local/aws/s3/s3.ts';
import { realClock } from '../../../../local/clock/real.ts';
import { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { startLoopbackServer } from '../../../../local/http/server.ts';
import type { Caller } from '../../../../local/http/signature.ts';
import { CALLERS } from '../../../support/function-environment.ts';
import { loopback } from '../../../support/loopback.ts';
import { noBatch, noStates } from '../../../support/no-services.ts';
import { s3Contract } from './s3-contract.ts';

const random = new SeededRandom(1);

function memoryS3(onCreated?: (object: CreatedObject) => void): LocalS3 {
  return new LocalS3({
    bucket: 'b',
    bodies: memoryBodies(),
    index: new ObjectIndex(),
    clock: realClock,
    nonce: random.nonce,
    missing: 'NoSuchKey',
    keepNoncurrent: 2,
    ...(onCreated === undefined ? {} : { onCreated }),
  });
}

function folderS3(folder: string): LocalS3 {
  const { bodies, index, record } = openFolderBucket(folder);
  return new LocalS3({
    bucket: 'b',
    bodies,
    index,
    clock: realClock,
    nonce: random.nonce,
    missing: 'NoSuchKey',
    keepNoncurrent: 2,
    onVersion: record,
  });
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'sierra-batch-test-'));
}

s3Contract('in memory', async () => ({
  s3: memoryS3(),
  bucket: 'b',
  close: async () => undefined,
}));

s3Contract('in a folder', async () => {
  const folder = newFolder();
  return {
    s3: folderS3(folder),
    bucket: 'b',
    close: async () => rmSync(folder, { recursive: true }),
  };
});

s3Contract('over loopback HTTP with the real SDK', async () => {
  const folder = newFolder();
  const { server, client: settings } = await loopback({ s3: folderS3(folder) });
  const client = new S3Client({ ...settings, forcePathStyle: true });
  return {
    s3: s3Port(client),
    bucket: 'b',
    listsNoVersions: true,
    close: async () => {
      client.destroy();
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
});

describe('the bucket in a folder', () => {
  it('a deleted run leaves no folder', async () => {
    const folder = newFolder();
    const s3 = folderS3(folder);
    for (const Key of ['runs/x/a', 'runs/x/deep/b']) await s3.putObject({ Bucket: 'b', Key, Body: 'x' });
    await s3.deleteObject({ Bucket: 'b', Key: 'runs/x/deep/b' });
    expect(readdirSync(join(folder, 'bucket/runs/x'))).toEqual(['a']);
    await s3.deleteObject({ Bucket: 'b', Key: 'runs/x/a' });
    expect(readdirSync(join(folder, 'bucket/runs'))).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('is what people find there, and survives a restart with versions and ETags', async () => {
    const folder = newFolder();
    const first = folderS3(folder);
    const put = await first.putObject({ Bucket: 'b', Key: 'runs/x/status.json', Body: '{}' });
    expect(readFileSync(join(folder, 'bucket/runs/x/status.json'), 'utf8')).toBe('{}');
    const again = folderS3(folder);
    const got = await again.getObject({ Bucket: 'b', Key: 'runs/x/status.json' });
    expect([got.ETag, got.VersionId, await got.Body?.transformToString()]).toEqual([
      put.ETag,
      put.VersionId,
      '{}',
    ]);
    rmSync(folder, { recursive: true });
  });

  it('takes in what a person put there, changed or removed by hand', async () => {
    const folder = newFolder();
    const first = folderS3(folder);
    await first.putObject({ Bucket: 'b', Key: 'a', Body: 'written' });
    await first.putObject({ Bucket: 'b', Key: 'gone', Body: 'x' });
    writeFileSync(join(folder, 'bucket/a'), 'changed by hand');
    writeFileSync(join(folder, 'bucket/new'), 'new by hand');
    rmSync(join(folder, 'bucket/gone'));
    const again = folderS3(folder);
    const read = async (Key: string) =>
      (await again.getObject({ Bucket: 'b', Key })).Body?.transformToString();
    expect([await read('a'), await read('new')]).toEqual(['changed by hand', 'new by hand']);
    const listed = await again.listObjectsV2({ Bucket: 'b' });
    expect(listed.Contents?.map((entry) => entry.Key)).toEqual(['a', 'new']);
    rmSync(folder, { recursive: true });
  });

  it.each(['../outside', 'a/../../outside', '/etc/x', 'a//b', 'a/'])(
    'refuses the key %j, which would leave or confuse the folder',
    async (Key) => {
      const folder = newFolder();
      await expect(folderS3(folder).putObject({ Bucket: 'b', Key, Body: 'x' })).rejects.toThrow(
        /no such key/,
      );
      rmSync(folder, { recursive: true });
    },
  );
});

describe('S3 tells the bus', () => {
  it('of every object created, with a sequencer that grows', async () => {
    const created: CreatedObject[] = [];
    const s3 = memoryS3((object) => created.push(object));
    for (const Body of ['1', '2', '3']) await s3.putObject({ Bucket: 'b', Key: 'manifests/a.yaml', Body });
    expect(created.map((object) => object.version.size)).toEqual([1, 1, 1]);
    const sequencers = created.map((object) => object.sequencer);
    expect(sequencers.toSorted()).toEqual(sequencers);
    expect(new Set(sequencers).size).toBe(3);
  });
});

describe('the loopback server', () => {
  it('refuses whoever does not know id and secret, and a foreign Host', async () => {
    const server = await startLoopbackServer({
      s3: memoryS3(),
      batch: noBatch,
      states: noStates,
      callers: CALLERS,
      addresses: new Map([['token', '127.0.0.9']]),
    });
    const { owner } = CALLERS;
    for (const guess of [
      { ...owner, accessKeyId: 'GUESS' },
      { ...owner, secretAccessKey: 'local' },
      { ...owner, secretAccessKey: CALLERS.tasks.secretAccessKey },
    ])
      await expect(
        clientOf(server.url, guess).putObject({ Bucket: 'b', Key: 'a', Body: 'x' }),
      ).rejects.toMatchObject({ name: 'InvalidAccessKeyId', $metadata: { httpStatusCode: 403 } });
    expect((await fetch(`${server.url}/b/a`)).status).toBe(403);
    expect((await fetch(`${server.url}/ecs/token`)).status).toBe(200);
    expect(await (await fetch(`${server.url}/ecs/token`)).json()).toEqual({
      Networks: [{ NetworkMode: 'awsvpc', IPv4Addresses: ['127.0.0.9'] }],
    });
    expect((await fetch(`${server.url}/ecs/guess`)).status).toBe(404);
    await server.close();
  });

  it('lets a task do what the job role may on AWS, and no more', async () => {
    const s3 = memoryS3();
    const { server, client, asTask } = await loopback({ s3 });
    const task = clientOf(server.url, asTask.credentials);
    const key = (Key: string) => ({ Bucket: 'b', Key });
    for (const Key of ['control/r.json', 'inputs/a.txt', 'runs/r/plan.json', 'runs/r/a b+ü?.txt'])
      await clientOf(server.url, client.credentials).putObject({ ...key(Key), Body: 'x' });

    await task.putObject({ ...key('runs/r/outputs/a b+ü?.txt'), Body: 'x' });
    for (const Key of ['inputs/a.txt', 'runs/r/plan.json', 'runs/r/a b+ü?.txt'])
      expect(await (await task.getObject(key(Key))).Body?.transformToString()).toBe('x');
    expect((await task.listObjectsV2({ Bucket: 'b', Prefix: 'runs/r/a b' })).Contents).toHaveLength(1);
    const denied = { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } };
    for (const Key of ['control/r.json', 'control/none'])
      await expect(task.getObject(key(Key))).rejects.toMatchObject(denied);
    await expect(task.deleteObject(key('runs/r/plan.json'))).rejects.toMatchObject(denied);
    for (const Key of [
      'manifests/m.yaml',
      'control/r.json',
      'inputs/a.txt',
      'runs.html',
      // The real S3 holds both; here a file would be a folder, and what is written last would find no place.
      'runs/r/summary.json/outputs/x',
      'runs/r/events/phase-0123456789abcdef.json/outputs/x',
      ...['plan.json', 'manifest.yaml', 'status.json', 'summary.json', 'report.html', 'events/e.json'].map(
        (name) => `runs/r/${name}`,
      ),
    ])
      await expect(task.putObject({ ...key(Key), Body: 'y' })).rejects.toMatchObject(denied);
    const batch = new BatchClient(asTask);
    await expect(batch.send(new ListJobsCommand({ jobQueue: 'q' }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    batch.destroy();
    await server.close();
  });
});

function clientOf(endpoint: string, credentials: Caller) {
  return s3Port(
    new S3Client({ endpoint, region: 'local', forcePathStyle: true, maxAttempts: 1, credentials }),
  );
}
