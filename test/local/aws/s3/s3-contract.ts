import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Port } from '../../../../aws/ports.ts';

export interface S3Provider {
  s3: S3Port;
  bucket: string;
  /** Refuses to list versions: only functions do. */
  listsNoVersions?: true;
  close(): Promise<void>;
}

/** What this system rests on of S3, run over every provider of it. */
export function s3Contract(name: string, open: () => Promise<S3Provider>): void {
  describe(`S3: ${name}`, () => {
    let provider: S3Provider;
    beforeAll(async () => {
      provider = await open();
    });
    afterAll(() => provider.close());
    const put = (Key: string, Body: string | Uint8Array | Readable, more: object = {}) =>
      provider.s3.putObject({ Bucket: provider.bucket, Key, Body, ...more });
    const get = (Key: string, more: object = {}) =>
      provider.s3.getObject({ Bucket: provider.bucket, Key, ...more });
    const text = async (Key: string, more: object = {}) => (await get(Key, more)).Body?.transformToString();
    const nameOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: Error) => error.name,
      );

    it('gives back the bytes, the size and the MD5 as ETag', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const { ETag } = await put('a/bytes', bytes);
      expect(ETag).toBe('"e2c865db4162bed963bfaa9ef6ac18f0"');
      const object = await get('a/bytes');
      expect(object.ContentLength).toBe(256);
      expect(await object.Body?.transformToByteArray()).toEqual(bytes);
    });

    it('takes an empty object', async () => {
      await put('a/empty', '');
      expect(await text('a/empty')).toBe('');
    });

    it('takes keys as they are, plus signs, blanks and other alphabets included', async () => {
      for (const key of ['k/a b+c', 'k/ü/試/%41', 'k/\'q"&<>']) {
        await put(key, key);
        expect(await text(key)).toBe(key);
      }
      const { Contents } = await provider.s3.listObjectsV2({ Bucket: provider.bucket, Prefix: 'k/' });
      expect(Contents?.map((entry) => entry.Key)).toEqual(['k/\'q"&<>', 'k/a b+c', 'k/ü/試/%41']);
    });

    it('streams a large body in and out', async () => {
      const block = Buffer.alloc(1024 * 1024, 'x');
      const blocks = 12;
      await put(
        'a/large',
        Readable.from(
          Array.from({ length: blocks }, () => block),
          { objectMode: false },
        ),
        { ContentLength: blocks * block.length },
      );
      expect((await provider.s3.headObject({ Bucket: provider.bucket, Key: 'a/large' })).ContentLength).toBe(
        blocks * block.length,
      );
      expect((await text('a/large'))?.length).toBe(blocks * block.length);
    });

    it('gives a range', async () => {
      await put('a/range', '0123456789');
      expect(await text('a/range', { Range: 'bytes=2-4' })).toBe('234');
      expect(await text('a/range', { Range: 'bytes=-3' })).toBe('789');
      expect(await text('a/range', { Range: 'bytes=8-99' })).toBe('89');
      expect(await nameOf(get('a/range', { Range: 'bytes=10-' }))).toBe('InvalidRange');
    });

    it('lets one of two writers create an object', async () => {
      const outcomes = await Promise.all(
        ['one', 'two', 'three'].map((body) => nameOf(put('c/claim', body, { IfNoneMatch: '*' }))),
      );
      expect(outcomes.toSorted()).toEqual(['PreconditionFailed', 'PreconditionFailed', 'no error']);
    });

    it('lets one of two writers replace a version', async () => {
      const { ETag } = await put('c/replace', 'old');
      const outcomes = await Promise.all(
        ['one', 'two'].map((body) => nameOf(put('c/replace', body, { IfMatch: ETag }))),
      );
      expect(outcomes.toSorted()).toEqual(['PreconditionFailed', 'no error']);
      expect(await nameOf(put('c/not-there', 'x', { IfMatch: ETag }))).toBe('NoSuchKey');
    });

    it('says that a missing object is missing', async () => {
      expect(await nameOf(get('missing'))).toBe('NoSuchKey');
      expect(await nameOf(provider.s3.headObject({ Bucket: provider.bucket, Key: 'missing' }))).toMatch(
        /NotFound|NoSuchKey|Unknown/,
      );
    });

    it('keeps versions', async () => {
      const first = await put('manifests/v', 'first');
      const second = await put('manifests/v', 'second');
      expect(first.VersionId).not.toBe(second.VersionId);
      expect(await text('manifests/v')).toBe('second');
      expect(await text('manifests/v', { VersionId: first.VersionId })).toBe('first');
      await provider.s3.deleteObject({ Bucket: provider.bucket, Key: 'manifests/v' });
      expect(await nameOf(get('manifests/v'))).toBe('NoSuchKey');
      expect(await text('manifests/v', { VersionId: second.VersionId })).toBe('second');
      await put('manifests/v', 'third');
      expect(await text('manifests/v')).toBe('third');
    });

    it('lists versions by key, the newest first, in pages', async () => {
      const put1 = await put('v/a', '1');
      const put2 = await put('v/a', '2');
      await put('v/b', '3');
      await provider.s3.deleteObject({ Bucket: provider.bucket, Key: 'v/b' });
      const page = (more: object) =>
        provider.s3.listObjectVersions({ Bucket: provider.bucket, Prefix: 'v/', ...more });
      if (provider.listsNoVersions === true) return expect(await nameOf(page({}))).toBe('NotImplemented');
      const first = await page({ MaxKeys: 1 });
      expect(first.Versions?.map(({ Key, VersionId, ETag }) => [Key, VersionId, ETag])).toEqual([
        ['v/a', put2.VersionId, put2.ETag],
      ]);
      const rest = await page({ KeyMarker: first.NextKeyMarker, VersionIdMarker: first.NextVersionIdMarker });
      expect(rest.Versions?.map(({ Key }) => Key)).toEqual(['v/a', 'v/b']);
      expect(rest.Versions?.[0]?.VersionId).toBe(put1.VersionId);
      expect(rest.DeleteMarkers?.map(({ Key }) => Key)).toEqual(['v/b']);
      expect(rest.NextKeyMarker).toBeUndefined();
    });

    it('lists in pages, with folders', async () => {
      for (const key of ['l/b', 'l/a', 'l/x/2', 'l/x/1', 'l/y/1', 'm']) await put(key, key);
      const page = (more: object) =>
        provider.s3.listObjectsV2({ Bucket: provider.bucket, Prefix: 'l/', ...more });
      const all = await page({});
      expect(all.Contents?.map((entry) => entry.Key)).toEqual(['l/a', 'l/b', 'l/x/1', 'l/x/2', 'l/y/1']);
      expect(all.Contents?.[0]).toMatchObject({ Size: 3, ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/) });
      const folders = await page({ Delimiter: '/' });
      expect([
        folders.Contents?.map((entry) => entry.Key),
        folders.CommonPrefixes?.map((entry) => entry.Prefix),
      ]).toEqual([
        ['l/a', 'l/b'],
        ['l/x/', 'l/y/'],
      ]);
      const seen: (string | undefined)[] = [];
      let ContinuationToken: string | undefined;
      do {
        const part = await page({ MaxKeys: 2, ContinuationToken });
        seen.push(...(part.Contents ?? []).map((entry) => entry.Key));
        ContinuationToken = part.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      expect(seen).toEqual(['l/a', 'l/b', 'l/x/1', 'l/x/2', 'l/y/1']);
      expect((await page({ StartAfter: 'l/x/1' })).Contents?.map((entry) => entry.Key)).toEqual([
        'l/x/2',
        'l/y/1',
      ]);
    });
  });
}
