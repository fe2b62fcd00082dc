import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { TaskTally } from '../../container/tasks/tally.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import type { RunState } from '../../experiment/records/status.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { makeDisplay, renderBar } from '../../submission/progress-display.ts';
import { aNode } from '../fixtures/records.ts';

test('the bar never wraps, and has no part too many', () => {
  for (const columns of [10, 40, 60, 80, 200])
    for (const [succeeded, failed] of [
      [0, 0],
      [199, 1],
      [1, 199],
      [100, 3],
      [200, 0],
    ] as const) {
      const bar = renderBar(progress({ succeeded, failed }, 20), columns, true);
      expect(stripVTControlCharacters(bar).length).toBeLessThan(columns);
    }
});

test('counts, rate and time left are what node 0 said, and nothing is made up', () => {
  const said = (succeeded: number, failed: number, rate: number, more: Partial<Progress> = {}) =>
    stripVTControlCharacters(
      renderBar({ ...progress({ succeeded, failed }, rate), ...more }, 60, false),
    ).replace(/^[█░]+ /, '');
  const left = (secondsLeft: number) => ({ secondsLeft, longestSeconds: 1 });
  expect(said(120, 1, 23.4, left(3.4))).toBe('121/200 done · 1 failed · 8 running · 23/s · 3 s left');
  expect(said(40, 0, 2, left(80))).toBe('40/200 done · 0 failed · 8 running · 1 min 20 s left');
  expect(said(0, 0, 0)).toBe('0/200 done · 0 failed · 8 running · time left unknown');
  expect(said(199, 0, 20, left(0.4))).toMatch(/under 1 s left$/);
  expect(said(195, 0, 20, { longestSeconds: 12 })).toMatch(/8 running · the longest for 12 s$/);
  const nearest = { seconds: 4, of: 'the budget' } as const;
  expect(said(40, 0, 2, { ...left(80), nearest })).toMatch(/ · the budget ends it in 4 s$/);
  expect(said(199, 1, 20)).toBe('200/200 done · 1 failed · about to end');
  const inStage = (stage: number) =>
    renderBar({ ...progress({ succeeded: 200, failed: 0 }, 20), stage }, 60, false);
  expect(inStage(2)).toMatch(/ · about to end$/);
  expect(inStage(3)).toMatch(/ · SIERRA’s stage 3$/);
});

test('the rate is that of the time since tasks began', () => {
  const tally = new TaskTally(1000, []);
  const begun = 1_000_000_500;
  expect(tally.rate(begun, begun)).toBe(0);
  for (let ms = 0; ms < 30_000; ms += 100) {
    tally.ended(row(ms), begun + ms);
    if (ms > 2000) expect(tally.rate(begun + ms, begun)).toBeCloseTo(10, 0);
  }
  expect(tally.rate(begun + 45_000, begun)).toBe(0);
});

test('why a run waits is told to whoever waits', () => {
  let out = '';
  let now = 0;
  const output = { write: (text: string) => (out += text) };
  const display = makeDisplay(output, { interactive: false, colour: false, now: () => now });
  const status = {
    runId: 'r',
    state: 'queued',
    headline: '',
    why: 'There are no machines.',
    next: '',
    jobId: null,
    attempt: 0,
    history: [{ state: 'queued', at: '' }],
    events: [],
  } as const;
  display.update({ status: { ...status, history: [...status.history], events: [] }, progress: undefined });
  expect(out).toBe('   0.0 queued\n');
  now = 5000;
  for (let look = 0; look < 3; look += 1)
    display.update({ status: { ...status, events: [] }, progress: undefined });
  expect(out).toBe('   0.0 queued\n        There are no machines.\n');
});

test('states carry the time since the run was accepted, also for whoever looks at it when it has ended', () => {
  let out = '';
  const start = Date.parse('2026-01-02T03:04:05Z');
  let now = start + 90_000_000;
  const output = { write: (text: string) => (out += text) };
  const display = makeDisplay(output, { interactive: false, colour: false, now: () => now });
  const history = (
    [
      ['submitted', 0],
      ['queued', 2500],
      ['running', 599_900],
      ['succeeded', 7_512_000],
    ] as const
  ).map(([state, after]) => ({ state, at: new Date(start + after).toISOString() }));
  display.update({
    status: { ...STATUS, state: 'succeeded', attempt: 1, history, events: [] },
    progress: undefined,
  });
  expect(out).toBe('   0.0 submitted\n   2.5 queued\n 599.9 running\n2:05:12 succeeded\n');

  // A clock that is behind does not turn time back.
  out = '';
  now = start - 60_000;
  const behind = makeDisplay(output, { interactive: false, colour: false, now: () => now });
  behind.update({
    status: { ...STATUS, state: 'running', attempt: 1, history: history.slice(0, 3), events: [] },
    progress: undefined,
  });
  behind.update({
    status: { ...STATUS, state: 'joining', attempt: 2, history: [], events: [] },
    progress: undefined,
  });
  expect(out).toMatch(/ 599\.9 running\n 599\.9 tried again: attempt 2\n 599\.9 joining\n$/);
});

test('a later attempt shows its states and its bar anew', () => {
  let out = '';
  const output = { write: (text: string) => (out += text), columns: 80 };
  const display = makeDisplay(output, { interactive: true, colour: false, now: () => 0 });
  const history = (['submitted', 'running', 'collecting'] as const).map((state) => ({ state, at: '' }));
  const look = (state: RunState, attempt: number) =>
    display.update({
      status: { ...STATUS, state, attempt, history: [...history], events: [] },
      progress: progress({ succeeded: attempt * 10, failed: 0 }, 20),
    });
  for (const state of ['collecting', 'starting', 'running', 'running', 'succeeded'] as const)
    look(state, state === 'collecting' ? 1 : 2);
  display.end();
  const lines = out.split('\n').map((line) => line.split('\x1b[2K').at(-1)?.trim());
  expect(lines).toEqual([
    ...['0.0 submitted', '0.0 running', '0.0 collecting'],
    ...['0.0 tried again: attempt 2', '0.0 starting', '0.0 running', '0.0 succeeded', ''],
  ]);
  expect(out.match(/20\/200 done/g)).toHaveLength(2);
});

const STATUS = {
  runId: 'r',
  headline: '',
  why: '',
  next: '',
  jobId: 'j',
} as const;

function progress(tasks: { succeeded: number; failed: number }, rate: number): Progress {
  return {
    runId: 'r',
    jobId: 'j',
    attempt: 1,
    phase: 'running',
    at: '',
    startedAt: '',
    nodes: { expected: 4, joined: 4, lost: 0 },
    tasks: { total: 200, retried: 0, lost: 0, running: 8, ...tasks },
    slots: 8,
    nodeHours: 0,
    rate,
  };
}

function row(seq: number): JoblogRow {
  return {
    seq,
    host: 'node',
    startTime: 0,
    runtime: 0,
    send: 0,
    receive: 0,
    exitval: 0,
    signal: 0,
    command: 'true',
  };
}

test.each([
  // Forty signs at most: a part done is rounded down, a part failed up.
  [{ succeeded: 100, failed: 3 }, `${'█'.repeat(20)}${'█'}${'░'.repeat(19)}`],
  [{ succeeded: 50, failed: 50 }, `${'█'.repeat(10)}${'█'.repeat(10)}${'░'.repeat(20)}`],
  [{ succeeded: 199, failed: 1 }, `${'█'.repeat(39)}${'█'}`],
])('the bar of %o has a sign for each part done', (tasks, bar) => {
  expect(renderBar(progress(tasks, 20), 200, false).split(' ')[0]).toBe(bar);
});

test('done is green and failed is red', () => {
  const bar = renderBar(progress({ succeeded: 100, failed: 50 }, 20), 200, true);
  expect(bar).toContain(
    `\x1b[32m${'█'.repeat(20)}\x1b[0m\x1b[31m${'█'.repeat(10)}\x1b[0m\x1b[2m${'░'.repeat(10)}\x1b[0m`,
  );
});

test.each([
  [9.96, '10.0/s'],
  [10, '10/s'],
])('a rate of %d is told as %s', (rate, said) => {
  expect(renderBar(progress({ succeeded: 1, failed: 0 }, rate), 200, false)).toContain(` ${said} `);
});

test('each node has a bar against the node with the most tasks, and what is drawn is taken back', () => {
  let out = '';
  const output = { write: (text: string) => (out += text), columns: 60, rows: 24 };
  const display = makeDisplay(output, { interactive: true, colour: true, now: () => 0 });
  const status = {
    ...STATUS,
    state: 'running',
    attempt: 1,
    history: [{ state: 'running', at: '' }],
    events: [],
  } as const;
  const nodes = [
    aNode(0, { tasks: 40, state: 'joined' }),
    aNode(1, { tasks: 20, state: 'lost' }),
    aNode(2, { tasks: 1, state: 'released' }),
  ];
  const view = {
    status: { ...status, history: [...status.history], events: [] },
    progress: progress({ succeeded: 60, failed: 1 }, 20),
    nodes,
  };
  display.update(view);
  expect(out.split('\n').slice(2)).toEqual([
    `node 0    ${paint(32, '█', 20)} 40 tasks`,
    `node 1    ${paint(31, '█', 10)}${paint(2, '░', 10)} 20 tasks, lost`,
    `node 2    ${paint(32, '█', 1)}${paint(2, '░', 19)} 1 task, released`,
  ]);
  out = '';
  display.say('said');
  expect(out).toBe('\r\x1b[3A\x1b[Jsaid\n');
  out = '';
  display.say('more');
  expect(out).toBe('more\n');

  // What it has cost stands between the bar and the nodes.
  const said: string[] = [];
  const spent = ({ nodeHours }: Progress) => `${nodeHours} so far`;
  const write = (text: string) => said.push(text);
  const costing = { interactive: true, colour: false, now: () => 0, spent };
  makeDisplay({ ...output, write }, costing).update(view);
  expect(said.at(-1)?.split('\n')[1]).toBe('0 so far');

  // More nodes than fit are counted, and nothing is as high as the terminal.
  out = '';
  display.update({ ...view, nodes: Array.from({ length: 40 }, (_, index) => aNode(index, { tasks: 1 })) });
  expect(out.split('\n')).toHaveLength(17);
  expect(out.split('\n').at(-1)).toBe('… and 25 nodes more');
});

test('a log without a terminal is told of progress every five seconds, while tasks run', () => {
  let out = '';
  let now = 0;
  const output = { write: (text: string) => (out += text) };
  const display = makeDisplay(output, { interactive: false, colour: false, now: () => now });
  const look = (at: number, phase: Progress['phase'] = 'running') => {
    now = at;
    display.update({
      status: {
        ...STATUS,
        state: 'running',
        attempt: 1,
        history: [{ state: 'running', at: '' }],
        events: [],
      },
      progress: { ...progress({ succeeded: at / 1000, failed: 0 }, 1), phase },
    });
  };
  for (let at = 0; at <= 12_000; at += 1000) look(at);
  look(20_000, 'joining');
  const told = out.split('\n').filter((line) => line.includes('done'));
  expect(told.map((line) => line.trim().split(' · ')[0])).toEqual(['5.0 5/200 done', '10.0 10/200 done']);
});

function paint(code: number, sign: string, times: number): string {
  return `\x1b[${code}m${sign.repeat(times)}\x1b[0m`;
}
