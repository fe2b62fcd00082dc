import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectCreatedEvent } from '../../../../local/aws/events/services.ts';
import { openFolderBucket } from '../../../../local/aws/s3/folder-bucket.ts';
import { memoryBodies } from '../../../../local/aws/s3/memory-bodies.ts';
import { byUtf8, ObjectIndex } from '../../../../local/aws/s3/object-index.ts';
import type { LocalS3Settings } from '../../../../local/aws/s3/s3.ts';
import { LocalS3 } from '../../../../local/aws/s3/s3.ts';
import { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../../../local/clock/virtual.ts';

function inMemory(settings: Partial<LocalS3Settings> = {}): LocalS3 {
  return new LocalS3({
    bucket: 'b',
    bodies: memoryBodies(),
    index: new ObjectIndex(),
    clock: new VirtualClock(Date.parse('2026-01-01T00:00:00Z')),
    nonce: new SeededRandom(1).nonce,
    missing: 'NoSuchKey',
    keepNoncurrent: 1,
    ...settings,
  });
}

const refused = (name: string, status: number) =>
  expect.objectContaining({ name, $metadata: { httpStatusCode: status } });
const put = (s3: LocalS3, Key: string, Body: string | Readable = 'x', more: object = {}) =>
  s3.putObject({ Bucket: 'b', Key, Body, ...more });
const keysOf = async (s3: LocalS3) =>
  (await s3.listObjectsV2({ Bucket: 'b' })).Contents?.map((entry) => entry.Key) ?? [];

describe('the local S3', () => {
  it('answers 403 for a missing key to whoever may not list, as AWS does', async () => {
    const s3 = inMemory({ missing: 'AccessDenied' });
    await expect(s3.getObject({ Bucket: 'b', Key: 'gone' })).rejects.toThrow(refused('AccessDenied', 403));
    await expect(s3.headObject({ Bucket: 'b', Key: 'gone' })).rejects.toThrow(refused('AccessDenied', 403));
  });

  it('refuses another bucket and a key that is none', async () => {
    const s3 = inMemory();
    await expect(s3.getObject({ Bucket: 'other', Key: 'a' })).rejects.toThrow(refused('NoSuchBucket', 404));
    await expect(put(s3, '')).rejects.toThrow(refused('KeyTooLongError', 400));
    await expect(put(s3, 'ü'.repeat(513))).rejects.toThrow(refused('KeyTooLongError', 400));
  });

  it('takes no body that breaks off, and keeps what was there', async () => {
    const s3 = inMemory();
    await put(s3, 'a', 'before');
    await expect(put(s3, 'a', Readable.from([Buffer.from('abc')]), { ContentLength: 10 })).rejects.toThrow(
      refused('IncompleteBody', 400),
    );
    const cut = new Readable({
      read() {
        this.destroy(new Error('connection lost'));
      },
    });
    await expect(put(s3, 'a', cut)).rejects.toThrow('connection lost');
    const { Body } = await s3.getObject({ Bucket: 'b', Key: 'a' });
    expect(await Body?.transformToString()).toBe('before');
  });

  it('looks at a condition again when the body has arrived', async () => {
    const s3 = inMemory();
    const slow = new Readable({ read: () => undefined });
    const late = put(s3, 'claim', slow, { IfNoneMatch: '*' });
    await put(s3, 'claim', 'first');
    slow.push('second');
    slow.push(null);
    await expect(late).rejects.toThrow(refused('PreconditionFailed', 412));
  });

  it('forgets all but the newest noncurrent versions, except of manifests', async () => {
    const s3 = inMemory();
    const versions = async (key: string) => {
      const ids: (string | undefined)[] = [];
      for (const body of ['1', '2', '3']) ids.push((await put(s3, key, body)).VersionId);
      return ids.map((VersionId) =>
        s3.getObject({ Bucket: 'b', Key: key, VersionId }).then(
          () => 'kept',
          (error: Error) => error.name,
        ),
      );
    };
    expect(await Promise.all(await versions('runs/x/status.json'))).toEqual([
      'NoSuchVersion',
      'kept',
      'kept',
    ]);
    expect(await Promise.all(await versions('manifests/x.yaml'))).toEqual(['kept', 'kept', 'kept']);
  });

  it('does the same byte for byte with the same seed and the same clock', async () => {
    const run = async () => {
      const events: unknown[] = [];
      const s3 = inMemory({ onCreated: (object) => events.push(objectCreatedEvent(object, 'id')) });
      for (const key of ['a', 'b', 'a']) events.push(await put(s3, key));
      events.push(await s3.deleteObject({ Bucket: 'b', Key: 'a' }), await s3.listObjectsV2({ Bucket: 'b' }));
      return JSON.stringify(events);
    };
    expect(await run()).toBe(await run());
  });

  it('tells of an object as EventBridge does: plain key, ETag without quotes', async () => {
    const events: unknown[] = [];
    const s3 = inMemory({ onCreated: (object) => events.push(objectCreatedEvent(object, 'event-1')) });
    const { VersionId } = await put(s3, 'manifests/my sweep+1.yaml', 'name: x\n');
    expect(events).toMatchObject([
      {
        id: 'event-1',
        source: 'aws.s3',
        'detail-type': 'Object Created',
        detail: {
          version: '0',
          bucket: { name: 'b' },
          object: {
            key: 'manifests/my sweep+1.yaml',
            size: 8,
            etag: expect.stringMatching(/^[0-9a-f]{32}$/),
            'version-id': VersionId,
            sequencer: expect.stringMatching(/^[0-9A-F]+$/),
          },
          reason: 'PutObject',
        },
      },
    ]);
  });
});

describe('the bucket in a folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sierra-batch-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = () => {
    const { bodies, index, record } = openFolderBucket(folder);
    return inMemory({ bodies, index, onVersion: record });
  };
  const unfinished = () =>
    readdirSync(join(folder, 'bucket-versions')).filter((name) => name.startsWith('.new'));

  it('refuses an object where a folder is, and the other way round, leaving both as they were', async () => {
    const s3 = open();
    await put(s3, 'a');
    await put(s3, 'x/y');
    await expect(put(s3, 'a/b')).rejects.toThrow(refused('InvalidArgument', 400));
    await expect(put(s3, 'x')).rejects.toThrow(refused('InvalidArgument', 400));
    await expect(put(s3, `long/${'z'.repeat(300)}`)).rejects.toThrow(refused('InvalidArgument', 400));
    expect(await keysOf(s3)).toEqual(['a', 'x/y']);
    expect(unfinished()).toEqual([]);
  });

  it('gives the place of a deleted object to another', async () => {
    const s3 = open();
    await put(s3, 'a');
    await s3.deleteObject({ Bucket: 'b', Key: 'a' });
    await put(s3, 'a/b/c');
    await s3.deleteObject({ Bucket: 'b', Key: 'a/b/c' });
    await put(s3, 'a');
    expect(await keysOf(s3)).toEqual(['a']);
  });

  it('opens after a crash in the middle of a write of its journal', async () => {
    await put(open(), 'a', 'whole');
    appendFileSync(join(folder, 'bucket-versions/journal.jsonl'), '{"key":"b","vers');
    const again = open();
    expect(await keysOf(again)).toEqual(['a']);
    const { Body } = await again.getObject({ Bucket: 'b', Key: 'a' });
    expect(await Body?.transformToString()).toBe('whole');
  });

  it('opens after a full disk cut off a line of its journal and more were written behind it', async () => {
    const s3 = open();
    await put(s3, 'a', 'first');
    appendFileSync(join(folder, 'bucket-versions/journal.jsonl'), '{"key":"b","vers');
    await put(s3, 'c', 'behind it');
    await put(s3, 'd', 'last');
    const again = open();
    expect(await keysOf(again)).toEqual(['a', 'c', 'd']);
    const { Body } = await again.getObject({ Bucket: 'b', Key: 'c' });
    expect(await Body?.transformToString()).toBe('behind it');
  });
});

describe('the order of keys', () => {
  it('is that of their UTF-8 bytes', () => {
    const key = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(byUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      {
        examples: [
          ['\ue000', '\u{10000}'],
          ['a', 'aa'],
          ['', 'a'],
          ['\uffff', '\u{10ffff}'],
        ],
      },
    );
  });

  it('holds however keys and listings alternate', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { maxLength: 30 }), (keys) => {
        const index = new ObjectIndex();
        for (const key of keys) {
          index.add({ key, versionId: 'v', etag: '', size: 0, lastModified: 0 });
          const listed = [...index.keys('', '')];
          expect(listed).toEqual(listed.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
        }
        expect(new Set(index.keys('', ''))).toEqual(new Set(keys));
      }),
    );
  });
});
