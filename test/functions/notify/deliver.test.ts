import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { StateChange } from '../../../experiment/notify/state-change-event.ts';
import type { Told } from '../../../experiment/records/control.ts';
import type { Message } from '../../../functions/notify/deliver.ts';
import { tell } from '../../../functions/notify/deliver.ts';
import { iso, RUN_ID } from '../../fixtures/records.ts';
import { awsError, controlPlane, failureOf, hooked } from '../../support/control-plane.ts';

function message(index: number, kind: Message['kind'] = 'event'): Message {
  const change: StateChange = {
    id: `${RUN_ID}/${index}`,
    version: 1,
    state: 'queued',
    at: iso(index),
    name: 'sweep',
    runId: RUN_ID,
    bucket: 'lab',
    files: {},
    manifest: { key: 'manifests/sweep.yaml', version: 'v1' },
    headline: 'Queued.',
    why: '',
    next: '',
  };
  return { key: `${kind}:${index}`, kind, change };
}

const messages = (events: number, mails = 0): Message[] => [
  ...Array.from({ length: events }, (_, index) => message(index)),
  ...Array.from({ length: mails }, (_, index) => message(index, 'mail')),
];

/** A record of what was told, changed by one at a time. */
function ledger(stored?: Told) {
  const book: { told: Told | undefined } = { told: stored };
  const change = async (decide: (told: Told | undefined) => Told | undefined) => {
    book.told = decide(book.told) ?? book.told;
    return book.told;
  };
  return { book, change };
}

// PutEvents takes ten.
it.each([1, 10, 11, 20, 21])('%d events are told, ten a call, and each once', async (events) => {
  const sizes: number[] = [];
  const plane = await controlPlane({
    events: (real) =>
      hooked(real, (command, call) => {
        sizes.push(Object(command.input).Entries.length);
        return call();
      }),
  });
  const { book, change } = ledger();
  expect(await tell(plane.deps, change, messages(events))).toBe(true);
  expect(plane.told.map(({ detail }) => detail.id)).toEqual(messages(events).map((one) => one.change.id));
  expect(sizes).toEqual([
    ...Array(Math.floor(events / 10)).fill(10),
    ...(events % 10 === 0 ? [] : [events % 10]),
  ]);
  expect(book.told).toEqual({ keys: messages(events).map(({ key }) => key) });
});

it('whatever is refused or breaks off, what was sent is written down, and the rest is sent the next time', async () => {
  const fate = fc.constantFrom('taken', 'refused', 'fails');
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.nat(3),
      fc.array(fate, { maxLength: 14 }),
      async (events, mails, fates) => {
        const left = [...fates];
        const plane = await controlPlane({
          events: (real) =>
            hooked(real, async (command, call) => {
              if (!(command instanceof PutEventsCommand)) return call();
              const { Entries: entries = [] } = command.input;
              const own = entries.map(() => left.shift() ?? 'taken');
              if (own.includes('fails')) throw awsError('InternalFailure', 500);
              const Entries = own.map((one) => (one === 'taken' ? {} : { ErrorCode: 'ThrottlingException' }));
              const taken = entries.filter((_, index) => own[index] === 'taken');
              // As EventBridge: those of the call that it took, in their order.
              if (taken.length > 0) await call(new PutEventsCommand({ Entries: taken }));
              return { Entries };
            }),
          mail: (real) =>
            hooked(real, (_command, call) => {
              if ((left.shift() ?? 'taken') !== 'taken') throw awsError('InternalError', 500);
              return call();
            }),
        });
        const { book, change } = ledger();
        const all = messages(events, mails);
        for (let tries = 0; ; tries += 1) {
          const isTold = await tell(plane.deps, change, all).catch(() => false);
          // Nobody holds the right to tell any more, however it went.
          expect(book.told?.telling).toBeUndefined();
          expect(book.told?.keys.length ?? 0).toBe(plane.told.length + plane.mails.length);
          if (isTold) break;
          expect(tries).toBeLessThan(20);
        }
        expect(plane.told.map(({ detail }) => detail.id).toSorted()).toEqual(
          messages(events)
            .map((one) => one.change.id)
            .toSorted(),
        );
        expect(plane.mails).toHaveLength(mails);
      },
    ),
    { numRuns: 40 },
  );
});

it('another copy that is telling is left to it until its lease is over', async () => {
  const plane = await controlPlane();
  const telling = { nonce: 'other', leaseUntil: plane.clock.now() + 120_000 };
  const { book, change } = ledger({ keys: [], telling });
  expect(await tell(plane.deps, change, messages(2))).toBe(false);
  expect(plane.told).toEqual([]);
  await plane.pass(120);
  expect(await tell(plane.deps, change, messages(2))).toBe(true);
  expect(plane.told).toHaveLength(2);
  expect(book.told).not.toHaveProperty('telling');
});

it('what was told already is all there is', async () => {
  const plane = await controlPlane();
  const { change } = ledger({ keys: messages(2).map(({ key }) => key) });
  expect(await tell(plane.deps, change, messages(2))).toBe(true);
  expect(plane.told).toEqual([]);
});

it('an answer that took less than all is told as such', async () => {
  const plane = await controlPlane({
    events: (real) => hooked(real, () => ({ Entries: [{}, { ErrorCode: 'ThrottlingException' }] })),
  });
  const failure = await failureOf(tell(plane.deps, ledger().change, messages(2)));
  expect(failure).toMatchObject({ name: 'ServiceUnavailable', message: 'EventBridge took 1 of 2 messages' });
});
