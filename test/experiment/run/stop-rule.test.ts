import { describe, expect, it } from 'vitest';
import type { EndedTask } from '../../../experiment/run/stop-rule.ts';
import { StopRule } from '../../../experiment/run/stop-rule.ts';

const FAILED: EndedTask = {
  seq: 1,
  ending: { kind: 'exit', code: 127 },
  signature: 'exit 127: no sim',
  hasWords: true,
  at: 0,
};
const WELL: EndedTask = {
  seq: 1,
  ending: { kind: 'succeeded' },
  signature: undefined,
  hasWords: false,
  at: 0,
};
const MANY = { total: 100_000, slots: 64, earlier: 0 };

/** What each of so many tasks alike is answered, one a second. */
const answers = (rule: StopRule, tasks: number, task: EndedTask, from = 1) =>
  Array.from({ length: tasks }, (_, at) => rule.next({ ...task, seq: from + at, at: from + at }));

describe('a run in which everything fails alike', () => {
  it('is sampled once as many as there are slots have failed, and stopped once the sample has', () => {
    const rule = new StopRule(undefined, MANY);
    expect(answers(rule, 64, FAILED)).toEqual([...Array(63).fill('go-on'), 'sample']);
    rule.watch([200, 5000, 90_000]);
    expect(answers(rule, 30, FAILED, 65)).toEqual(Array(30).fill('go-on'));
    expect([200, 90_000, 5000].map((seq) => rule.next({ ...FAILED, seq, at: 100 }))).toEqual([
      'go-on',
      'go-on',
      'stop',
    ]);
  });

  it.each([
    // Of 150, 100 are left after 50: 100 or 10 a second.
    ['is left to end when the rest takes a second', 0.01, 'go-on'],
    ['is stopped when it takes ten', 0.1, 'stop'],
  ])('%s', (_, pace, verdict) => {
    const rule = new StopRule(undefined, { ...MANY, total: 150, slots: 4 });
    for (let seq = 1; seq < 50; seq += 1) {
      if (rule.next({ ...FAILED, seq, at: pace * seq }) === 'sample') rule.watch([150]);
    }
    expect(rule.next({ ...FAILED, seq: 150, at: pace * 50 })).toBe(verdict);
  });

  it.each([
    [1, 20],
    [64, 64],
    [5000, 200],
  ])('with %s slots after %s tasks', (slots, enough) => {
    const all = answers(new StopRule(undefined, { ...MANY, slots }), enough, FAILED);
    expect(all.indexOf('sample')).toBe(enough - 1);
  });

  it.each<[string, EndedTask]>([
    ['a success', WELL],
    ['another failure', { ...FAILED, signature: 'exit 1: other' }],
  ])('goes on after %s, in the sample as well', (_, other) => {
    const rule = new StopRule(undefined, MANY);
    answers(rule, 64, FAILED);
    rule.watch([200, 300]);
    rule.next({ ...other, seq: 200 });
    expect(answers(rule, 500, FAILED, 300)).toEqual(Array(500).fill('go-on'));
  });

  it.each<[string, Partial<EndedTask>]>([
    ['silence', { ending: { kind: 'exit', code: 1 }, hasWords: false, signature: 'exit 1' }],
    ['the time limit', { ending: { kind: 'time-limit' }, signature: 'time limit: x' }],
    ['a signal', { ending: { kind: 'signal', signal: 9 }, signature: 'signal 9: x' }],
    ['memory', { ending: { kind: 'memory' }, signature: 'out of memory: x' }],
  ])('goes on where that is %s', (_, more) => {
    expect(answers(new StopRule(undefined, MANY), 300, { ...FAILED, ...more })).not.toContain('sample');
  });

  it('goes on where something succeeded before, or the manifest says so, or nothing waits', () => {
    expect(answers(new StopRule(undefined, { ...MANY, earlier: 1 }), 300, FAILED)).not.toContain('sample');
    expect(answers(new StopRule('never', MANY), 300, FAILED)).not.toContain('sample');
    const rule = new StopRule(undefined, MANY);
    answers(rule, 64, FAILED);
    rule.watch([]);
    expect(answers(rule, 300, FAILED, 65)).toEqual(Array(300).fill('go-on'));
  });
});

it.each([
  [{ failures: 3 }, 3],
  [{ failures: '5%' }, 5],
  [{ failures: '0.5%' }, 1],
  [{ failures: '100%' }, 100],
] as const)('stopAfter %j of 100 tasks ends the run at the failure that is too many', (stopAfter, at) => {
  const rule = new StopRule(stopAfter, { total: 100, slots: 4, earlier: 7 });
  expect(answers(rule, 50, WELL)).not.toContain('stop');
  expect(
    answers(rule, 100, { ...FAILED, ending: { kind: 'exit', code: 10 }, hasWords: false }).indexOf('stop'),
  ).toBe(at - 1);
});
