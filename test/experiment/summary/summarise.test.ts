import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endingOf } from '../../../experiment/records/ending.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { parseJoblog, renderJoblog, succeeded } from '../../../experiment/results/joblog.ts';
import { failedToRead, readTasks } from '../../../experiment/results/task-table.ts';
import type { SummaryInput } from '../../../experiment/summary/summarise.ts';
import { summarise } from '../../../experiment/summary/summarise.ts';
import {
  aNode,
  aPlan,
  iso,
  aNode as node,
  aProgress as progress,
  aRow as row,
  START,
} from '../../fixtures/records.ts';

async function inputOf(rows: readonly JoblogRow[], more: Partial<SummaryInput> = {}): Promise<SummaryInput> {
  return {
    plan: aPlan(),
    outcome: 'succeeded',
    progress: progress(),
    nodes: [node(0), node(1)],
    tasks: await readTasks(rows),
    stderrTails: new Map(),
    ...more,
  };
}

const anyRow = fc.record({
  seq: fc.integer({ min: 1, max: 40 }),
  host: fc.constantFrom('10.0.1.10', '10.0.1.11', 'other'),
  startTime: fc.integer({ min: 0, max: 1000 }).map((s) => START / 1000 + s),
  runtime: fc.integer({ min: 0, max: 500 }).map((ms) => ms / 10),
  send: fc.constant(0),
  receive: fc.constant(0),
  exitval: fc.constantFrom(0, 0, 1, 2, 137),
  signal: fc.constantFrom(0, 0, 0, 9),
  command: fc.constant('x'),
});

describe('a summary', () => {
  test('of a run that went well', async () => {
    const rows = [
      row(1),
      row(2),
      row(3, { host: '10.0.1.11' }),
      row(4, { host: '10.0.1.11', startTime: START / 1000 + 10 }),
    ];
    const job = {
      createdAt: START - 100_000,
      attempts: [{ startedAt: START - 40_000, stoppedAt: START + 50_000 }],
    };
    const summary = summarise(await inputOf(rows, { job }));
    expect(summary).toMatchObject({
      outcome: 'succeeded',
      exitCode: 0,
      headline: 'Succeeded: 4 of 4 tasks in 20 s, 0.05 node-hours.',
      tasks: { total: 4, succeeded: 4, failed: 0, retried: 0, lost: 0, cutOff: 0, notStarted: 0 },
      timings: { queuedSeconds: 60, joinSeconds: 15, runSeconds: 20 },
      nodeHours: 0.05,
      utilisation: 0.5,
      failures: [],
    });
  });

  test('inputs that node 0 unpacks after the nodes have joined are no joining, nor is who came late', async () => {
    const nodes = [0, 1, 2].map((index) => aNode(index, { joinedAt: iso([-18, -16, 9][index] ?? 0) }));
    const summary = summarise(await inputOf([row(1)], { nodes }));
    // Node 0 began 20 s before the tasks, and went on 5 s before.
    expect(summary.timings.joinSeconds).toBe(4);
  });

  test.each([
    [[1], ' Node 1 took no more tasks: it said “no room”.'],
    [[0, 2], ' 2 nodes took no more tasks: node 0 said “no room”.'],
    [[0, 1, 2], ''],
    [[], ''],
  ])('nodes %j that took no more tasks are said, unless the run ended for them', async (out, said) => {
    const nodes = [0, 1, 2].map((index) =>
      aNode(index, out.includes(index) ? { leftOutBecause: 'no room' } : {}),
    );
    expect(summarise(await inputOf([row(1)], { nodes })).why).toBe(`All tasks succeeded.${said}`);
  });

  test('counts agree with the joblog, whatever is in it, and with every way to read it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { maxLength: 120 }), fc.nat(9), async (rows, gone) => {
        const final = parseJoblog(renderJoblog(rows));
        // Node 0 counts a task as lost until its row comes; its last word may be older than the joblog.
        const last = progress({ tasks: { ...progress().tasks, lost: gone, cutOff: 0 } });
        const summary = summarise(await inputOf(rows, { outcome: 'failed', progress: last }));
        const good = final.filter(succeeded).length;
        expect(summary.tasks.succeeded).toBe(good);
        expect(summary.tasks.failed).toBe(final.length - good);
        expect(summary.failures.reduce((sum, { count }) => sum + count, 0)).toBe(summary.tasks.failed);
        expect(summary.tasks.total).toBe(Math.max(4, final.length));
        const { succeeded: s, failed, lost = 0, cutOff = 0, notStarted = 0, total } = summary.tasks;
        expect(s + failed + lost + cutOff + notStarted).toBe(total);
        expect(lost).toBe(Math.min(gone, total - final.length));
        if (summary.utilisation !== null) expect(summary.utilisation).toBeLessThanOrEqual(1);
        const tasks = await readTasks(slowly(rows));
        const streamed = await inputOf([], { outcome: 'failed', progress: last, tasks });
        expect(summarise(streamed)).toEqual(summary);
      }),
    );
  });

  test('failures are grouped, the most frequent first, with a command and its stderr', async () => {
    const rows = [
      row(1, { exitval: 2 }),
      row(2, { exitval: 1 }),
      row(3, { exitval: 1, host: '10.0.1.11' }),
      row(4),
    ];
    const stderrTails = new Map([
      [1, 'no arena'],
      [2, 'bad\nseed 2'],
      [3, 'bad\nseed 3'],
    ]);
    const reason = { kind: 'tasks-failed', failed: 3, lost: 0 } as const;
    const summary = summarise(
      await inputOf(rows, { outcome: 'failed', stderrTails, progress: progress({ reason, exitCode: 1 }) }),
    );
    expect(summary.failures).toEqual([
      {
        signature: 'exit 1: seed #',
        count: 2,
        nodes: 2,
        example: {
          seq: 2,
          command: './sim 2',
          node: '10.0.1.10',
          exitval: 1,
          end: 'exit',
          stderrTail: 'bad\nseed 2',
        },
      },
      { signature: 'exit 2: no arena', count: 1, nodes: 1, example: expect.objectContaining({ seq: 1 }) },
    ]);
    expect(summary.headline).toBe('3 of 4 tasks failed.');
    expect(summary.why).toContain('seed 2');
  });

  test('tasks that name a file with a hash in it are told and grouped like all others', async () => {
    const rows = Array.from({ length: 200 }, (_, at) => row(at + 1, { exitval: 1 }));
    const hash = (seq: number) => `${seq % 10}a`.repeat(64);
    const stderrTails = new Map(rows.map(({ seq }) => [seq, `cannot read cache/${hash(seq)}_part.npz\n`]));
    const { failures } = summarise(await inputOf(rows, { outcome: 'failed', stderrTails }));
    expect(failures.map(({ count }) => count)).toEqual([200]);
    expect(failures[0]?.signature).toContain('exit 1: cannot read cache/#a#a');
  });

  test.each([
    ['half of all tasks, and all that failed', 5, true],
    ['all tasks', 0, false],
  ])('a node that ran %s', async (_words, elsewhere, isTold) => {
    const rows = Array.from({ length: 10 }, (_, at) =>
      at < elsewhere ? row(at + 1, { host: '10.0.1.11' }) : row(at + 1, { exitval: 1 }),
    );
    const reason = { kind: 'tasks-failed', failed: 10 - elsewhere, lost: 0 } as const;
    const { why } = summarise(
      await inputOf(rows, { outcome: 'failed', progress: progress({ reason, exitCode: 1 }) }),
    );
    expect(why.includes('All of these ran on one node.')).toBe(isTold);
  });

  test.each([50, 51])('of %d kinds of failure fifty are told, and those on most nodes', async (kinds) => {
    const rows = Array.from({ length: kinds }, (_, at) => [
      row(2 * at + 1, { exitval: at + 1 }),
      row(2 * at + 2, { exitval: at + 1, host: '10.0.1.11' }),
    ]).flat();
    const { failures } = summarise(await inputOf(rows, { outcome: 'failed' }));
    expect(failures.map(({ count, nodes }) => [count, nodes]).at(-1)).toEqual(kinds === 50 ? [2, 2] : [4, 2]);
    expect(failures).toHaveLength(50);
    // Equally frequent ones in the order of their tasks.
    expect(failures.map(({ example }) => example.seq)).toEqual(
      Array.from({ length: 50 }, (_, at) => 2 * at + 1),
    );
  });

  test('a thousand kinds of failure are fifty groups, and no task is left out', async () => {
    const rows = Array.from({ length: 1000 }, (_, at) => row(at + 1, { exitval: 1 }));
    const letters = (seq: number) =>
      [...String(seq)].map((digit) => 'ghijklmnop'.charAt(Number(digit))).join('');
    const stderrTails = new Map(rows.map(({ seq }) => [seq, letters(seq)]));
    const { failures } = summarise(await inputOf(rows, { outcome: 'failed', stderrTails }));
    expect(failures.length).toBe(50);
    expect(failures.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
    expect(failures.at(-1)?.signature).toContain('other kinds');
  });

  test('an earlier attempt’s reason does not explain the last one’s end', async () => {
    const old = progress({
      attempt: 1,
      reason: { kind: 'too-few-joined', joined: 1, needed: 2, missing: [1] },
      exitCode: 3,
    });
    const job = {
      createdAt: START,
      attempts: [
        { startedAt: START, stoppedAt: START + 1 },
        { startedAt: START + 5, stoppedAt: START + 9 },
      ],
    };
    const observed = {
      job: { attempts: [{ exitCode: 3 }, { statusReason: 'Host EC2 (instance i-1) terminated.' }] },
    };
    const summary = summarise(await inputOf([], { outcome: 'failed', progress: old, job, observed }));
    expect(summary).toMatchObject({ exitCode: null, headline: 'The machine of node 0 was lost.' });
  });

  test('a lost node’s slots count until it was lost', async () => {
    const rows = [
      row(1, { runtime: 20 }),
      row(2, { runtime: 20 }),
      row(3, { host: '10.0.1.11' }),
      row(4, { host: '10.0.1.11' }),
    ];
    const nodes = [node(0), node(1, { state: 'lost', lostAt: iso(10) })];
    expect(summarise(await inputOf(rows, { nodes })).utilisation).toBe(1);
  });

  test('node-hours are those of all attempts where Batch tells their times, else what node 0 counted', async () => {
    const hours = async (...attempts: { startedAt?: number; stoppedAt?: number }[]) =>
      summarise(await inputOf([], { job: { createdAt: START, attempts } })).nodeHours;
    const hour = { startedAt: START, stoppedAt: START + 3_600_000 };
    expect(await hours(hour, { startedAt: START + 4_000_000, stoppedAt: START + 5_800_000 })).toBe(3);
    expect(await hours(hour, {})).toBe(2);
    expect(await hours(hour, { startedAt: START })).toBe(0.5);
    expect(await hours()).toBe(0.5);
    expect(await hours({ startedAt: START, stoppedAt: START - 1 })).toBe(0);
  });

  test.each([
    ['from the first start to the last end', {}, 2, 30],
    ['until what was under way was cut off', { tasksEndedAt: iso(40) }, 4, 45],
    ['as far as rows tell, where node 0 did not write the end', { tasksEndedAt: undefined }, 4, 30],
    ['the same where it wrote neither', { tasksStartedAt: undefined, tasksEndedAt: undefined }, 4, 30],
  ])('how long the tasks took: %s', async (_words, times, total, seconds) => {
    const rows = [row(1, { startTime: START / 1000 - 5 }), row(2, { startTime: START / 1000 + 15 })];
    const { tasksStartedAt, tasksEndedAt, ...rest } = progress();
    const told = Object.entries({ tasksStartedAt, tasksEndedAt, ...times }).filter(
      ([, at]) => at !== undefined,
    );
    const tasks = { ...rest.tasks, total };
    const last = { ...rest, tasks, ...Object.fromEntries(told) };
    expect(summarise(await inputOf(rows, { progress: last })).timings.runSeconds).toBe(seconds);
  });

  test('slots count from when their node joined, busy ones only while tasks ran', async () => {
    const rows = [row(1, { startTime: START / 1000 - 5 }), row(2, { runtime: 30 })];
    // Two slots for 35 s and two for 20 s; busy for 10 and 30 of them.
    const nodes = [
      node(0),
      node(1, { state: 'released', joinedAt: iso(10) }),
      node(2, { state: 'never-came' }),
    ];
    expect(summarise(await inputOf(rows, { nodes })).utilisation).toBe(Number((40 / 110).toFixed(4)));
    expect(summarise(await inputOf(rows, { nodes: [] })).utilisation).toBeNull();
  });

  test('a run of which nothing is left but its plan', async () => {
    const summary = summarise(await inputOf([], { outcome: 'cancelled', progress: undefined, nodes: [] }));
    expect(summary).toMatchObject({
      exitCode: null,
      tasks: { total: 4, succeeded: 0, failed: 0, retried: 0, before: 0 },
      timings: { queuedSeconds: null, joinSeconds: null, runSeconds: null },
      nodeHours: 0,
      utilisation: null,
    });
  });

  test.each([
    [[3, 3, 3], 'no more than 2 fit side by side on a node: `run.jobsPerNode: 2`'],
    [[3, 2], 'no more than 1 fit side by side'],
    [[3, 1], 'One of them ran out of it alone'],
  ])('of tasks that ran out of memory beside %j it says how many fit', async (beside, words) => {
    // Each time so many run on one node, and the first to end is killed; as many run on another, which counts for nothing.
    const rows = beside.flatMap((many, turn) =>
      Array.from({ length: many }, (_, at) => [
        row(10 * turn + at + 1, {
          startTime: 100 * turn,
          runtime: at === 0 ? 5 : 9,
          exitval: at === 0 ? 137 : 0,
        }),
        row(100 + 10 * turn + at, { startTime: 100 * turn, runtime: 9, host: '10.0.1.11' }),
      ]).flat(),
    );
    const input = await inputOf(rows, {
      outcome: 'succeeded',
      progress: progress({ triedAlone: beside.length }),
    });
    const tasks = await readTasks(rows, undefined, (one) =>
      one.exitval === 137 ? { kind: 'memory' } : endingOf(one),
    );
    expect(summarise({ ...input, tasks }).why).toContain(words);
  });

  test('a million rows stream through bounded memory', async () => {
    function* many() {
      for (let seq = 1; seq <= 1_000_000; seq += 1)
        yield row(seq, { exitval: seq % 3 === 0 ? 1 : 0, command: 'x'.repeat(500) + seq });
    }
    const tasks = await readTasks(many());
    expect(tasks.size).toBe(1_000_000);
    expect(tasks.commands.size).toBeLessThan(2100);
    const { tasks: counts } = summarise(await inputOf([], { outcome: 'failed', tasks }));
    expect(counts).toMatchObject({ total: 1_000_000, failed: 333_333 });
  });
});

describe('the table of tasks', () => {
  test('keeps the slowest with their commands, and follows a row that is replaced', async () => {
    const rows = Array.from({ length: 100 }, (_, at) => row(at + 1, { runtime: at + 1 }));
    const tasks = await readTasks([...rows, row(100, { runtime: 1 })]);
    expect(tasks.slowest.map((at) => tasks.seqs[at])).toEqual(Array.from({ length: 20 }, (_, at) => 99 - at));
    expect(tasks.commands.get(99)).toBe('./sim 99');
    expect([tasks.tries.size, tasks.tries.seqs[100], tasks.tries.runtime[99]]).toEqual([101, 100, 100]);
  });

  test('rare kinds of failure are among those to read', async () => {
    const rows = Array.from({ length: 1000 }, (_, at) => row(at + 1, { exitval: at === 900 ? 42 : 1 }));
    const picked = failedToRead(await readTasks(rows), 50);
    expect(picked.length).toBe(50);
    expect(picked).toContain(901);
  });
});

async function* slowly(rows: readonly JoblogRow[]) {
  for (const one of rows) {
    await Promise.resolve();
    yield one;
  }
}
