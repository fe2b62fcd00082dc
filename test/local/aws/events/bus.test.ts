import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BusEvent, Deliveries, EventBusSettings } from '../../../../local/aws/events/bus.ts';
import { EventBus } from '../../../../local/aws/events/bus.ts';
import type { EventPattern } from '../../../../local/aws/events/pattern.ts';
import { compilePattern } from '../../../../local/aws/events/pattern.ts';
import { VirtualClock } from '../../../../local/clock/virtual.ts';

function eventOf(detail: Readonly<Record<string, unknown>> = {}, id = 'event-1'): BusEvent {
  return {
    version: '0',
    id,
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: '000000000000',
    time: '2026-01-01T00:00:00Z',
    region: 'local',
    resources: [],
    detail,
  };
}

function makeBus(settings: Partial<EventBusSettings> = {}) {
  const clock = new VirtualClock(0);
  const bus = new EventBus({ clock, ...settings });
  const seen: { at: number; id: string; rule: string }[] = [];
  const listen = (rule: string, pattern: EventPattern = {}) =>
    bus.addRule({
      name: rule,
      pattern,
      target: async ({ id }) => seen.push({ at: clock.now(), id, rule }),
    });
  return { clock, bus, seen, listen };
}

describe('the event bus', () => {
  it('delivers to every rule that matches, and not before putEvent has returned', async () => {
    const { clock, bus, seen, listen } = makeBus();
    listen('all');
    listen('s3', { source: ['aws.s3'] });
    listen('batch', { source: ['aws.batch'] });
    bus.putEvent(eventOf());
    expect(seen).toEqual([]);
    await clock.advance(0);
    expect(seen.map(({ rule }) => rule)).toEqual(['all', 's3']);
  });

  it('tries again with growing pauses when a target throws, and gives up into the dead letters', async () => {
    const { clock, bus } = makeBus({ maxTries: 4, retryAfterMs: 1000 });
    const calls: number[] = [];
    bus.addRule({
      name: 'broken',
      pattern: {},
      target: async () => {
        calls.push(clock.now());
        throw new Error('on purpose');
      },
    });
    bus.putEvent(eventOf());
    await clock.advance(3_600_000);
    expect(calls).toEqual([0, 1000, 3000, 7000]);
    expect(bus.deadLetters).toMatchObject([
      { rule: 'broken', event: { id: 'event-1' }, error: { message: 'on purpose' } },
    ]);
  });

  it('stops trying once the target has taken the event', async () => {
    const { clock, bus } = makeBus();
    let calls = 0;
    bus.addRule({
      name: 'late',
      pattern: {},
      target: async () => {
        calls += 1;
        if (calls < 3) throw new Error('not yet');
      },
    });
    bus.putEvent(eventOf());
    await clock.advance(3_600_000);
    expect([calls, bus.deadLetters.length]).toEqual([3, 0]);
  });

  it('loses, doubles, delays and turns around what the fault hook says, delivery by delivery', async () => {
    const deliveries: Deliveries = ({ id }, rule) => {
      if (rule === 'honest') return [0];
      return { lost: [], doubled: [0, 90_000], late: [5_000], early: [1_000] }[id] ?? [0];
    };
    const { clock, bus, seen, listen } = makeBus({ deliveries });
    listen('hostile');
    listen('honest');
    for (const id of ['lost', 'doubled', 'late', 'early']) bus.putEvent(eventOf({}, id));
    await clock.advance(100_000);
    const by = (rule: string) => seen.filter((one) => one.rule === rule).map(({ at, id }) => `${id} ${at}`);
    expect(by('honest')).toEqual(['lost 0', 'doubled 0', 'late 0', 'early 0']);
    expect(by('hostile')).toEqual(['doubled 0', 'early 1000', 'late 5000', 'doubled 90000']);
  });

  it('gives each target an event of its own', async () => {
    const { clock, bus } = makeBus();
    const keys: unknown[] = [];
    for (const name of ['a', 'b'])
      bus.addRule({
        name,
        pattern: {},
        target: async ({ detail }) => {
          keys.push(detail.key);
          Object.assign(detail, { key: 'spoiled' });
        },
      });
    bus.putEvent(eventOf({ key: 'k' }));
    await clock.advance(0);
    expect(keys).toEqual(['k', 'k']);
  });

  it('calls a schedule at its rate, whatever one call throws, until it is closed', async () => {
    const { clock, bus } = makeBus();
    const calls: number[] = [];
    bus.addSchedule('minute', 60_000, eventOf, async () => {
      calls.push(clock.now());
      if (calls.length === 1) throw new Error('on purpose');
    });
    await clock.advance(180_000);
    expect(calls).toEqual([60_000, 120_000, 180_000]);
    expect(bus.deadLetters).toHaveLength(1);
    await bus.close();
    await clock.advance(600_000);
    expect(calls).toHaveLength(3);
  });

  it('waits on close for the targets that run and delivers nothing after it', async () => {
    const { clock, bus, seen, listen } = makeBus({ deliveries: () => [60_000] });
    listen('late');
    bus.putEvent(eventOf());
    await bus.close();
    await clock.advance(600_000);
    expect(seen).toEqual([]);
  });
});

describe('a pattern', () => {
  const created = (key: string) => eventOf({ bucket: { name: 'b' }, object: { key } });
  it.each<[string, EventPattern, BusEvent, boolean]>([
    ['a value among several', { source: ['aws.batch', 'aws.s3'] }, eventOf(), true],
    ['another value', { source: ['aws.batch'] }, eventOf(), false],
    [
      'fields that must all match',
      { source: ['aws.s3'], detail: { status: ['FAILED'] } },
      eventOf({ status: 'RUNNING' }),
      false,
    ],
    ['a nested field', { detail: { bucket: { name: ['b'] } } }, created('k'), true],
    [
      'a nested field that is not there',
      { detail: { bucket: { owner: { id: ['x'] } } } },
      created('k'),
      false,
    ],
    [
      'a wildcard',
      { detail: { object: { key: [{ wildcard: 'manifests/*.yaml' }] } } },
      created('manifests/a/b.yaml'),
      true,
    ],
    [
      'a wildcard of another folder',
      { detail: { object: { key: [{ wildcard: 'manifests/*.yaml' }] } } },
      created('runs/x/manifest.yaml'),
      false,
    ],
    [
      'a wildcard with plain dots',
      { detail: { object: { key: [{ wildcard: '*.yaml' }] } } },
      created('ayaml'),
      false,
    ],
    [
      'prefix or suffix, which is rarely meant',
      { detail: { object: { key: [{ prefix: 'manifests/' }, { suffix: '.yaml' }] } } },
      created('runs/x/manifest.yaml'),
      true,
    ],
    [
      'anything but',
      { detail: { status: [{ 'anything-but': ['RUNNING'] }] } },
      eventOf({ status: 'FAILED' }),
      true,
    ],
    [
      'anything but this',
      { detail: { status: [{ 'anything-but': ['RUNNING'] }] } },
      eventOf({ status: 'RUNNING' }),
      false,
    ],
    ['anything but, of nothing', { detail: { status: [{ 'anything-but': ['RUNNING'] }] } }, eventOf(), false],
    ['existence', { detail: { status: [{ exists: true }] } }, eventOf({ status: null }), true],
    ['absence', { detail: { status: [{ exists: false }] } }, eventOf(), true],
    ['an element of an array', { detail: { tags: ['b'] } }, eventOf({ tags: ['a', 'b'] }), true],
    ['a number, which is not its text', { detail: { code: [1] } }, eventOf({ code: '1' }), false],
  ])('matches %s', (_, pattern, event, expected) => {
    expect(compilePattern(pattern)(event)).toBe(expected);
  });

  it('of a wildcard matches what its pieces are cut from', () => {
    const piece = fc.stringMatching(/^[a-z./+$^()[\]{}|\\-]{0,6}$/);
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 4 }),
        fc.array(piece, { minLength: 3, maxLength: 3 }),
        (plain, filled) => {
          const wildcard = plain.map((part) => part || 'x').join('*');
          const key = plain
            .map((part, at) => (at === 0 ? '' : (filled[at - 1] ?? '')) + (part || 'x'))
            .join('');
          expect(compilePattern({ key: [{ wildcard }] })({ key })).toBe(true);
          expect(compilePattern({ key: [{ wildcard: `${wildcard}!` }] })({ key })).toBe(false);
        },
      ),
    );
  });

  // As they may stand in a template, where no type holds them back.
  it.each([
    { key: [{ numeric: ['>', 0] }] },
    { key: [{ cidr: '10.0.0.0/8' }] },
    { key: [{ 'anything-but': { prefix: 'x' } }] },
    { key: [{ prefix: { 'equals-ignore-case': 'x' } }] },
    { key: [{ prefix: 'a', suffix: 'b' }] },
    { key: [{ wildcard: 'a**b' }] },
    { $or: [{ source: ['a'] }] },
    { key: 'not a list' },
    { key: [] },
    { key: [{ 'anything-but': 'x' }] },
    { key: [{ exists: 'yes' }] },
  ])('that is not known here is refused: %j', (pattern) => {
    expect(() => compilePattern(pattern as unknown as EventPattern)).toThrow(
      expect.objectContaining({ name: 'UnknownPattern' }),
    );
  });
});
