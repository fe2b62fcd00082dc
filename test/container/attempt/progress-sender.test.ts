import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { ProgressSender } from '../../../container/attempt/progress-sender.ts';
import { Roster } from '../../../container/attempt/roster.ts';
import { RunState } from '../../../container/attempt/run-state.ts';
import { TaskTally } from '../../../container/tasks/tally.ts';
import { ReplacedObject } from '../../../container/transfer/replaced-object.ts';
import { parseLoad } from '../../../experiment/records/load.ts';
import type { Progress, RunnerReason } from '../../../experiment/records/progress.ts';
import { realClock } from '../../../local/clock/real.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { aPlan, aProgress } from '../../fixtures/records.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const config = { bucket: 'b', runId: 'a-0123456789a', jobId: 'j', attempt: 1, progressSeconds: 1 };
const row = (seq: number, exitval = 0) => ({
  seq,
  host: 'h',
  startTime: 1,
  runtime: 2,
  send: 0,
  receive: 0,
  exitval,
  signal: 0,
  command: `c ${seq}`,
});

function sender(answer: (put: PutObjectCommandInput) => Promise<unknown>, before?: Progress) {
  const clock = new VirtualClock(0);
  const s3: S3Port = {
    ...memoryS3('bucket'),
    putObject: async (input) => ({ $metadata: {}, ...Object(await answer(input)) }),
    headObject: async () => ({ $metadata: {}, ETag: '"before"' }),
  };
  const roster = new Roster(2, 1);
  const log: string[] = [];
  const state = new RunState('results', () => progress.wake());
  const progress: ProgressSender = new ProgressSender({
    config,
    s3,
    clock,
    log: (event) => log.push(event),
    roster,
    snapshot: () => state.snapshot(),
    startedAt: 0,
    plan: aPlan(),
    before,
  });
  /** Whether its last word was said, or given up, in this time. */
  const finishes = async (reason: RunnerReason, withinMs: number, limitMs = withinMs) => {
    let isOver = false;
    void progress.finish(reason, withinMs).then(() => {
      isOver = true;
    });
    return await clock.runUntil(() => isOver, limitMs);
  };
  return { progress, state, roster, clock, finishes, log };
}

describe('progress', () => {
  it('ends in time although S3 never answers', async () => {
    const { progress, state, finishes, log } = sender(() => new Promise(() => undefined));
    progress.start();
    state.enter('running');
    // What is under way when it is told to end has ten seconds of its own.
    expect(await finishes({ kind: 'succeeded' }, 1500, 12_000)).toBe(true);
    expect(log).toContain('Progress:NotSent');
  });

  it('sends its last word again until it arrives, the record with the reason last', async () => {
    let failures = 3;
    const arrived: [string, string][] = [];
    const { state, finishes } = sender(async (input) => {
      failures -= 1;
      if (failures >= 0) throw new Error('503');
      arrived.push([String(input.Key), String(input.Body)]);
      return {};
    });
    const tally = new TaskTally(2, []);
    tally.ended(row(1), 0);
    tally.ended(row(2, 7), 0);
    state.countTasks(tally);
    expect(await finishes({ kind: 'tasks-failed', failed: 1, lost: 0 }, 20_000)).toBe(true);
    const [key, body] = arrived.at(-1) ?? ['', '{}'];
    expect(key).toBe('runs/a-0123456789a/progress.json');
    expect(JSON.parse(body) as Progress).toMatchObject({
      phase: 'done',
      exitCode: 1,
      tasks: { total: 2, succeeded: 1, failed: 1, running: 0 },
    });
    expect(arrived.map(([name]) => name)).toContain('runs/a-0123456789a/joblog.tsv');
  });
});

it('where no number can be said a limit is named that comes sooner than the oldest task has run', async () => {
  let last: Progress | undefined;
  const { progress, state, roster, clock, finishes } = sender(async ({ Key, Body }) => {
    if (String(Key).endsWith('/progress.json')) last = JSON.parse(String(Body));
    return {};
  });
  roster.joined(0, { address: '10.0.0.1', cpus: 2, versions: {}, startedAt: 0 }, 0, false);
  const tally = new TaskTally(3, []);
  state.nodesJoined(0);
  state.countTasks(tally);
  tally.started(1, 0, 0);
  progress.start();
  const { runSeconds } = aPlan().timeouts;
  await clock.advance((runSeconds / 2 - 60) * 1000);
  expect(last?.nearest).toBeUndefined();
  await clock.advance(120_000);
  expect(last).toMatchObject({
    nearest: { of: 'timeouts.run', seconds: expect.closeTo(runSeconds / 2 - 60, -1) },
  });
  expect(last?.secondsLeft).toBeUndefined();
  await finishes({ kind: 'succeeded' }, clock.now() + 5000, 12_000);
});

describe('load.json', () => {
  it('is written every 15 s at most while it goes on, and once more at the end', async () => {
    const written: number[] = [];
    let last: unknown;
    const { progress, roster, clock, finishes } = sender(async ({ Key, Body }) => {
      if (!String(Key).endsWith('/load.json')) return {};
      last = parseLoad(String(Body));
      written.push(clock.now());
      return {};
    });
    progress.start();
    for (let at = 0; at < 40; at += 2) {
      roster.used(1, { load: { cpu: 0.5, disk: at < 4 ? 0 : 1 }, cpuSeconds: at }, clock.now());
      await clock.advance(2000);
    }
    expect(written.map((at) => Math.round(at / 5000) * 5)).toEqual([0, 15, 30]);
    expect(await finishes({ kind: 'succeeded' }, clock.now() + 5000, 12_000)).toBe(true);
    expect(written).toHaveLength(4);
    const disk = [0.333, ...Array(7).fill(1)];
    const nodes = [{ node: 1, cpu: Array(8).fill(0.5), memory: [], disk }];
    expect(last).toEqual({ version: 1, seconds: 5, from: '1970-01-01T00:00:00.000Z', nodes });
    expect(roster.records()[1]).toMatchObject({ cpuSeconds: 38 });
  });
});

describe('an object that is replaced again and again', () => {
  const asked = { Bucket: 'bucket', Key: 'progress' };
  const object = { bucket: 'bucket', key: 'progress', contentType: 'text/plain' };
  const soon = () => realClock.now() + 20;
  const later = () => realClock.now() + 5000;
  const storedIn = async (s3: S3Port) => (await s3.getObject(asked)).Body?.transformToString();

  it('keeps the newest: a write that was given up and arrives late counts for nothing', async () => {
    const s3 = memoryS3('bucket');
    const late: (() => Promise<unknown>)[] = [];
    let hangs = true;
    const silent: S3Port = {
      ...s3,
      putObject: (input) => {
        if (!hangs) return s3.putObject(input);
        late.push(() => s3.putObject(input));
        return new Promise(() => undefined);
      },
    };
    const replaced = new ReplacedObject(silent, object, realClock);
    await expect(replaced.put('first', soon())).rejects.toThrow('no answer from S3');
    hangs = false;
    await replaced.put('second', later());
    await replaced.put('third', later());
    hangs = true;
    await expect(replaced.put('fourth', soon())).rejects.toThrow('no answer from S3');
    hangs = false;
    await replaced.put('last', later());
    expect(late).toHaveLength(2);
    for (const arrive of late) await expect(arrive()).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await storedIn(s3)).toBe('last');
  });

  it('goes on when its own write arrived and the answer was lost, and where an earlier attempt has written', async () => {
    const s3 = memoryS3('bucket');
    await s3.putObject({ ...asked, Body: 'of an earlier attempt' });
    let deaf = true;
    const halfDeaf: S3Port = {
      ...s3,
      putObject: async (input) => {
        const answer = await s3.putObject(input);
        if (deaf) throw new Error('ECONNRESET');
        return answer;
      },
    };
    const replaced = new ReplacedObject(halfDeaf, object, realClock);
    await expect(replaced.put('first', later())).rejects.toThrow('ECONNRESET');
    deaf = false;
    await replaced.put('last', later());
    expect(await storedIn(s3)).toBe('last');
  });
});

describe('a write that the SDK repeats', () => {
  it('is no failure: what it finds in its way is itself', async () => {
    const s3 = memoryS3('bucket');
    let lostAnswers = 1;
    const repeating: S3Port = {
      ...s3,
      putObject: async (input) => {
        if (lostAnswers-- > 0) await s3.putObject(input);
        return s3.putObject(input);
      },
    };
    const replaced = new ReplacedObject(
      repeating,
      { bucket: 'bucket', key: 'progress', contentType: 'text/plain' },
      realClock,
    );
    await replaced.put('only', realClock.now() + 5000);
    const stored = await s3.getObject({ Bucket: 'bucket', Key: 'progress' });
    expect(await stored.Body?.transformToString()).toBe('only');
  });
});

describe('the last word', () => {
  it('says how it ended although the joblog never arrives', async () => {
    const arrived: Progress[] = [];
    const { state, finishes } = sender(async (input) => {
      if (String(input.Key).endsWith('joblog.tsv')) return new Promise(() => undefined);
      if (String(input.Key).endsWith('progress.json')) arrived.push(JSON.parse(String(input.Body)));
      return {};
    });
    state.countTasks(new TaskTally(1, []));
    expect(await finishes({ kind: 'terminated', signal: 'SIGTERM' }, 500, 12_000)).toBe(true);
    expect(arrived.at(-1)).toMatchObject({ phase: 'done', exitCode: 143 });
  });

  it('names the nodes that this attempt lost, and those of the attempts before it', async () => {
    const arrived: Progress[] = [];
    const lostNodes = [{ node: 1, at: '2026-11-24T09:00:08.000Z', because: 'silent' }];
    const before = aProgress({ lostNodes });
    const { startedAt, tasksEndedAt, tasks } = before;
    const { roster, finishes } = sender(
      async (input) => {
        if (String(input.Key).endsWith('progress.json')) arrived.push(JSON.parse(String(input.Body)));
        return {};
      },
      { ...before, tasks: { ...tasks, lost: 2, cutOff: 1 } },
    );
    roster.lost(0, 'gone', 5000);
    expect(await finishes({ kind: 'terminated', signal: 'SIGTERM' }, 500, 12_000)).toBe(true);
    expect(arrived.at(-1)).toMatchObject({
      lostNodes: [{ node: 0, at: new Date(5000).toISOString(), because: 'gone' }],
      earlier: [{ attempt: 1, startedAt, tasksEndedAt, lost: lostNodes, underWay: 3 }],
    });
  });
});

describe('the tally', () => {
  it('counts a task of a lost node as lost until somebody else has ended it', () => {
    const tally = new TaskTally(3, [row(1)]);
    tally.started(2, 1, 0);
    tally.started(3, 1, 0);
    tally.nodeLost(1, 1000);
    expect(tally.counts()).toMatchObject({ succeeded: 1, lost: 2 });
    tally.ended(row(3), 0);
    expect(tally.counts()).toMatchObject({ succeeded: 2, lost: 1, failed: 0 });
  });
});

describe('the roster', () => {
  it('counts all nodes until the attempt ends, also those that are lost or never came', () => {
    const roster = new Roster(4, 1);
    const arrival = { cpus: 2, versions: {}, startedAt: 0 };
    for (const index of [0, 1, 2])
      roster.joined(index, { ...arrival, address: `10.0.0.${index}` }, 1000, index === 2);
    roster.lost(1, 'gone', 1_800_000);
    roster.released(3_600_000);
    expect(roster.nodeHours(7_200_000)).toBeCloseTo(4 * 2);
    expect(roster.records().map((record) => record.state)).toEqual([
      'released',
      'lost',
      'released',
      'never-came',
    ]);
    expect(roster.live()).toEqual([]);
  });
});
