import { Readable } from 'node:stream';
import { sdkStreamMixin } from '@smithy/core/serde';
import { expect, it } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import type { S3Port } from '../../aws/ports.ts';
import { TooLarge } from '../../aws/stored-object.ts';
import { realClock } from '../../local/clock/real.ts';
import { awsError, BUCKET, controlPlane, failureOf } from '../support/control-plane.ts';
import { hooked } from '../support/hostile-ports.ts';
import { memoryS3 } from '../support/memory-s3.ts';

/** A bucket whose next conditional write fails with this error, after it was done or instead. */
async function failing(name: string, status: number, isDone: boolean, times = 1) {
  let left = times;
  const plane = await controlPlane({
    s3: (real) =>
      hooked(real, async (command, call) => {
        if (command.name !== 'putObject' || left-- <= 0) return call();
        if (isDone) await call();
        throw awsError(name, status);
      }),
  });
  await plane.put('a', 'before');
  return { plane, bucket: new Bucket(plane.deps.s3, BUCKET, plane.clock) };
}

it('412 after an own write whose answer was lost is success; with another text there it is not', async () => {
  const own = await failing('PreconditionFailed', 412, true);
  expect(await own.bucket.writeIf('b', 'mine', { ifAbsent: true })).toBe(true);
  const others = await failing('PreconditionFailed', 412, false);
  expect(await others.bucket.writeIf('a', 'mine', { ifAbsent: true })).toBe(false);
});

it('409 is tried again, with a bound', async () => {
  const once = await failing('ConditionalRequestConflict', 409, false);
  expect(await once.plane.during(once.bucket.writeIf('b', 'mine', { ifAbsent: true }))).toBe(true);
  const ever = await failing('ConditionalRequestConflict', 409, false, 1000);
  const failure = await failureOf(ever.plane.during(ever.bucket.writeIf('b', 'mine', { ifAbsent: true })));
  expect(failure.name).toBe('ServiceUnavailable');
});

it('If-Match on an object that is gone fails its condition, whether S3 says 404 or 403', async () => {
  for (const [name, status] of [
    ['NoSuchKey', 404],
    ['AccessDenied', 403],
  ] as const) {
    const { bucket } = await failing(name, status, false);
    expect(await bucket.writeIf('gone', 'mine', { ifMatch: '"x"' })).toBe(false);
  }
});

/** A bucket whose every object never ends, and how much of it was asked for. */
function endless() {
  const asked = { chunks: 0 };
  const body = Readable.from(
    (async function* chunks() {
      for (;;) {
        asked.chunks += 1;
        yield Buffer.alloc(1024 * 1024);
      }
    })(),
    { objectMode: false },
  );
  const getObject: S3Port['getObject'] = async () => ({
    $metadata: {},
    ETag: '"e"',
    Body: sdkStreamMixin(body),
  });
  return { asked, body, bucket: new Bucket({ ...memoryS3('b'), getObject }, 'b', realClock) };
}

it('reads no more of an object than its reader takes, and lets the rest go', async () => {
  const { asked, body, bucket } = endless();
  await expect(bucket.read('a')).rejects.toMatchObject({
    name: 'TooLarge',
    message: 'a has more than 16777216 bytes',
  });
  expect(asked.chunks).toBeLessThan(20);
  expect(body.destroyed).toBe(true);
});

it('takes an object of just as many bytes as it may have', async () => {
  const bucket = new Bucket(memoryS3('b'), 'b', realClock);
  await bucket.write('a', 'äb');
  expect(await bucket.read('a', { maxBytes: 3 })).toMatchObject({ text: 'äb' });
  await expect(bucket.readBytes('a', { maxBytes: 2 })).rejects.toThrow(TooLarge);
});

it('what tasks may have written over is empty when it is too large, and can be replaced', async () => {
  const bucket = new Bucket(memoryS3('b'), 'b', realClock);
  await bucket.write('a', 'long');
  const found = await bucket.readUntrusted('a', { maxBytes: 1 });
  expect(found?.text).toBe('');
  expect(await bucket.writeIf('a', 'mine', { ifMatch: found?.etag ?? '' })).toBe(true);
});

it('so is what S3 refuses to hand out, while a failure of its own is none of the object’s', async () => {
  const failing = (error: Error) =>
    new Bucket({ ...memoryS3('b'), getObject: () => Promise.reject(error) }, 'b', realClock);
  expect(await failing(awsError('InvalidRequest', 400)).readUntrusted('a')).toMatchObject({ text: '' });
  expect(await failing(awsError('NoSuchKey', 404)).readUntrusted('a')).toBeUndefined();
  await expect(failing(awsError('SlowDown', 503)).readUntrusted('a')).rejects.toThrow();
});

it('a 403 is a missing object only to whoever may not list', async () => {
  const bucket = new Bucket(memoryS3('b', 'AccessDenied'), 'b', realClock);
  expect(await bucket.read('none')).toBeUndefined();
  await expect(bucket.read('none', { mayList: true })).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(bucket.stream('none', { mayList: true })).rejects.toMatchObject({ name: 'AccessDenied' });
});

it('lists on where S3 cuts a list off, and folders as far as it was told', async () => {
  const bucket = new Bucket(memoryS3('b'), 'b', realClock);
  // Its pages are of three.
  const keys = Array.from({ length: 7 }, (_, index) => `runs/${index}/a`);
  for (const key of keys) await bucket.write(key, '');
  const listed: string[] = [];
  for await (const { key } of bucket.list('runs/')) listed.push(key);
  expect(listed).toEqual(keys);
  expect(await bucket.folders('runs/')).toMatchObject({ folders: { length: 7 }, complete: true });
  expect(await bucket.folders('runs/', 1)).toMatchObject({ folders: { length: 3 }, complete: false });
});
