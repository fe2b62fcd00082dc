import { GetObjectCommand } from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReplacedObject } from '../../../container/transfer/replaced-object.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { START } from '../../fixtures/records.ts';
import type { Fate } from '../../support/hostile-ports.ts';
import { awsError, fatefulS3, hooked } from '../../support/hostile-ports.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const OBJECT = { bucket: 'b', key: 'progress', contentType: 'text/plain' };
const LIMIT_MS = 5000;

/** One writer, in virtual time. `put` answers whether it was told that the write was done. */
function aWriter(fates: Fate[]) {
  const s3 = memoryS3('b');
  const clock = new VirtualClock(START);
  const late: (() => Promise<unknown>)[] = [];
  const replaced = new ReplacedObject(fatefulS3(s3, fates, late), OBJECT, clock);
  const put = async (body: string) => {
    let isDone: boolean | undefined;
    const tried = replaced.put(body, clock.now() + LIMIT_MS).then(
      () => (isDone = true),
      () => (isDone = false),
    );
    await clock.runUntil(() => isDone !== undefined, 3 * LIMIT_MS);
    await Promise.race([tried, undefined]);
    return isDone;
  };
  const stored = async () =>
    (await s3.send(new GetObjectCommand({ Bucket: 'b', Key: 'progress' }))).Body?.transformToString();
  return { put, stored, late };
}

const anyFates = fc.array(fc.constantFrom<Fate>('done', 'answer-lost', 'late', 'refused'), { maxLength: 8 });

it('whatever becomes of earlier writes, the next one goes through, and nothing that comes late takes its place', async () => {
  await fc.assert(
    fc.asyncProperty(anyFates, fc.nat(9), async (fates, arrives) => {
      const writes = fates.length;
      const { put, stored, late } = aWriter([...fates]);
      for (let write = 0; write < writes; write += 1) {
        // No write waits beyond its limit.
        expect(await put(`write ${write}`)).toBeTypeOf('boolean');
        if (late.length > arrives)
          await late
            .shift()?.()
            .catch(() => undefined);
      }
      // The writes that a crossing repeated used fates up, so that all that are left are done.
      expect(await put('last')).toBe(true);
      for (const arrive of late) await expect(arrive()).rejects.toMatchObject({ name: 'PreconditionFailed' });
      expect(await stored()).toBe('last');
    }),
    { numRuns: 200 },
  );
});

it('a write that is done is told as done, and one that is refused as refused', async () => {
  const { put, stored } = aWriter(['done', 'refused', 'done', 'answer-lost', 'late']);
  expect([await put('1'), await put('2'), await put('3')]).toEqual([true, false, true]);
  expect(await stored()).toBe('3');
  expect([await put('4'), await put('5'), await stored()]).toEqual([false, false, '4']);
});

it.each([
  [409, true],
  [412, true],
  [403, false],
  [503, false],
])('a write that is answered with %d is tried again: %s', async (status, again) => {
  let answers = [awsError('OnPurpose', status)];
  const s3 = hooked(memoryS3('b'), (command, call) => {
    const error = command.constructor.name === 'PutObjectCommand' ? answers.shift() : undefined;
    if (error !== undefined) throw error;
    return call();
  });
  const clock = new VirtualClock(START);
  const put = () => new ReplacedObject(s3, OBJECT, clock).put('x', START + LIMIT_MS);
  if (again) await put();
  else await expect(put()).rejects.toMatchObject({ $metadata: { httpStatusCode: status } });
  answers = [awsError('OnPurpose', status), awsError('OnPurpose', status)];
  await expect(put()).rejects.toMatchObject({ $metadata: { httpStatusCode: status } });
});

it('looks once at what lies there: its own answers tell it from then on', async () => {
  let looks = 0;
  const s3 = hooked(memoryS3('b'), (command, call) => {
    if (command.constructor.name === 'HeadObjectCommand') looks += 1;
    return call();
  });
  const replaced = new ReplacedObject(s3, OBJECT, new VirtualClock(START));
  for (const body of ['1', '2', '3']) await replaced.put(body, START + LIMIT_MS);
  expect(looks).toBe(1);
});
