import { expect, it } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { awsError, BUCKET, controlPlane, failureOf } from '../support/control-plane.ts';
import { hooked } from '../support/hooked-port.ts';

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
