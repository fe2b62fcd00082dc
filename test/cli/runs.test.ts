import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cancel } from '../../cli/commands/runs/cancel.ts';
import { logs } from '../../cli/commands/runs/logs.ts';
import { runs } from '../../cli/commands/runs/runs.ts';
import { status } from '../../cli/commands/runs/status.ts';
import { watch } from '../../cli/commands/runs/watch.ts';
import { diff } from '../../cli/commands/tasks/diff.ts';
import { tasks } from '../../cli/commands/tasks/tasks.ts';
import { folderStore, whileItAnswers } from '../../cli/context/folder-store.ts';
import type { LiveSystem, Target } from '../../cli/context/target.ts';
import type { CommandFailed } from '../../cli/errors/failure.ts';
import type { RunDifference } from '../../experiment/results/compare/two-runs.ts';
import { JOBLOG_HEADER } from '../../experiment/results/joblog.ts';
import { aPlan, aProgress, aStatus, aSummary } from '../fixtures/records.ts';
import { aTarget, contextIn, folderOfItsOwn } from './context.ts';

const GOOD = 'sweep-00000000001';
const SPOILT = 'sweep-00000000002';

test('a task that writes over its run’s records hides no other run', async () => {
  const bucket = folderOfItsOwn();
  put(bucket, `runs/${GOOD}/status.json`, {
    ...aStatus(),
    history: [
      { state: 'submitted', at: '2026-01-02T00:00:00.000Z' },
      { state: 'succeeded', at: '2026-01-02T01:00:00.000Z' },
    ],
  });
  put(bucket, `runs/${GOOD}/summary.json`, {
    ...aSummary(),
    tasks: { total: 1800, succeeded: 1799, failed: 1, retried: 0, lost: 0 },
    nodeHours: 0.912,
  });
  put(bucket, `runs/${SPOILT}/status.json`, 'ha');
  put(bucket, 'runs/sweep-00000000003/status.json', { state: 'fine', history: 7 });
  const { context, said } = contextIn(bucket, {
    at: targetOf(bucket),
    clock: clockAt('2026-01-02T03:00:00Z'),
  });
  expect(await runs(context, {})).toBe(0);
  expect(said.out.replaceAll(/ +/g, ' ')).toBe(
    `RUN STATE AGE SUCCEEDED FAILED NODE-HOURS\n${GOOD} succeeded 3 h 1,799/1,800 1 0.91\n`,
  );
  await expect(status(context, SPOILT)).rejects.toThrow(
    `runs/${SPOILT}/status.json is not what sierra-batch wrote there`,
  );
});

test('outputs are spoken of only where there are some', async () => {
  const bucket = folderOfItsOwn();
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD }));
  put(bucket, `runs/${GOOD}/summary.json`, aSummary({ runId: GOOD, headline: 'Succeeded.' }));
  const said = async () => {
    const { context, said } = contextIn(bucket, { at: targetOf(bucket) });
    expect(await watch(context, GOOD)).toBe(0);
    return said.out;
  };
  const table = `table    sierra-batch fetch ${GOOD} --tables .\n`;
  const without = `\nSucceeded.\n\nreport   runs/${GOOD}/report.html\n`;
  expect(await said()).toBe(`${without}${table}`);
  put(bucket, `runs/${GOOD}/outputs/index.json`, { files: [], missing: [] });
  put(bucket, `runs/${GOOD}/plan.json`, aPlan({ keepOutput: 'all' }));
  expect(await said()).toBe(
    `${without}outputs  sierra-batch fetch ${GOOD}\nprinted  sierra-batch logs ${GOOD} --task 1\n${table}`,
  );
});

test.each([
  [{ kind: 'known', usdAnHour: 0.8, of: 'c7i.4xlarge, eu-west-1' }, '≈ 0.96 USD so far, at most 3.20 USD'],
  [{ kind: 'unknown', of: 'x' }, '1.2 node-hours so far, at most 4 node-hours'],
  [{ kind: 'free' }, 'costs nothing: nodes are processes of this machine'],
] as const)('status of a run that goes on says what it costs at the price %o', async (price, cost) => {
  const bucket = folderOfItsOwn();
  const timeouts = { ...aPlan().timeouts, runSeconds: 3600 };
  put(bucket, `runs/${GOOD}/plan.json`, aPlan({ price, timeouts, maxNodeHours: 3.4 }));
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state: 'running' }));
  put(bucket, `runs/${GOOD}/progress.json`, aProgress({ runId: GOOD, nodeHours: 1.2 }));
  const live = {} as LiveSystem;
  const { context, said } = contextIn(bucket, { at: { ...targetOf(bucket), live } });
  expect(await status(context, GOOD)).toBe(0);
  expect(said.out).toContain(`\ncost    ${cost}\n`);
});

test('a run whose local system was killed has stopped, and every command says so', async () => {
  const bucket = folderOfItsOwn();
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state: 'running' }));
  put(bucket, `runs/${GOOD}/progress.json`, {
    ...aProgress({ runId: GOOD }),
    tasks: { total: 40, running: 2, succeeded: 2, failed: 1, retried: 0 },
  });
  const ask = (asJson = false) => contextIn(bucket, { at: targetOf(bucket), asJson });
  const sentence = `No local system is up here: the run has stopped at 3 of 40 tasks. \`sierra-batch local\` (or the next run) settles it; \`sierra-batch resume ${GOOD}\` goes on with it.`;
  const shown = ask();
  expect(await status(shown.context, GOOD)).toBe(0);
  expect(shown.said.out).toContain(`${GOOD}: stopped\n${sentence}\n`);
  expect(shown.said.out).not.toMatch(/ left|Watch it|Nothing to do/);
  const listed = ask();
  expect(await runs(listed.context, {})).toBe(0);
  expect(listed.said.out).toMatch(/^sweep-00000000001 +stopped /m);
  expect(listed.said.err).toContain('settles runs that have stopped');
  const forMachines = ask(true);
  expect(await runs(forMachines.context, {})).toBe(0);
  expect(JSON.parse(forMachines.said.out)).toMatchObject([{ state: 'running', stopped: true }]);
  await expect(watch(ask().context, GOOD)).rejects.toThrow(
    expect.objectContaining({ message: sentence, exitCode: 143 }),
  );
  await expect(cancel(ask().context, GOOD)).rejects.toThrow(/the run has stopped while it was running/);
});

test.each(['running', 'cancelled'] as const)(
  'when the local system goes away under a watch of a run that is %s, that is said in words of this machine',
  async (state) => {
    const bucket = folderOfItsOwn();
    put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state }));
    if (state === 'cancelled')
      put(
        bucket,
        `runs/${GOOD}/summary.json`,
        aSummary({ runId: GOOD, outcome: state, exitCode: null, headline: 'Cancelled by ada.' }),
      );
    const gone = async (): Promise<never> => {
      throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:43309'), { code: 'ECONNREFUSED' });
    };
    const live = { bucket: async () => ({ readUntrusted: gone }) } as unknown as LiveSystem;
    const store = whileItAnswers({ text: gone, stream: gone, folders: gone }, folderStore(bucket));
    const { context, said } = contextIn(bucket, { at: { ...targetOf(bucket), store, live } });
    const code = await watch(context, GOOD).catch((error: CommandFailed) => {
      said.err += error.message;
      return error.exitCode;
    });
    expect(code).toBe(143);
    expect(said.out + said.err).toContain(
      state === 'cancelled' ? 'Cancelled by ada.' : 'No local system is up here: the run has stopped',
    );
  },
);

test('status has a line for the end of each attempt', async () => {
  const bucket = folderOfItsOwn();
  const entered = [
    { state: 'collecting', attempt: 1, at: '2026-11-24T09:00:00.000Z' },
    { state: 'queued', attempt: 2, at: '2026-11-24T09:00:02.000Z' },
    { state: 'joining', attempt: 2, at: '2026-11-24T09:00:05.000Z' },
    { state: 'succeeded', attempt: 0, at: '2026-11-24T09:00:30.000Z' },
  ] as const;
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, attempt: 2, entered }));
  const { context, said } = contextIn(bucket, { at: targetOf(bucket) });
  expect(await status(context, GOOD)).toBe(0);
  expect(said.out).toContain(`
collecting  2026-11-24 09:00:00Z
queued      2026-11-24 09:00:02Z  +2 s  attempt 1 had ended: attempt 2
joining     2026-11-24 09:00:05Z  +3 s
succeeded   2026-11-24 09:00:30Z  +25 s
`);
});

test('what a run has not written is told as what it is', async () => {
  const bucket = folderOfItsOwn();
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state: 'failed' }));
  put(bucket, `runs/${GOOD}/summary.json`, aSummary({ runId: GOOD }));
  put(bucket, `runs/${GOOD}/logs/tasks/3.out`, '');
  put(bucket, `runs/${GOOD}/logs/tasks/3.err`, '');
  const { context, said } = contextIn(bucket, { at: targetOf(bucket) });
  expect(await logs(context, GOOD, { task: 3 })).toBe(0);
  expect(said.err).toBe('Task 3 wrote nothing, neither to stdout nor to stderr.\n');
  put(bucket, `runs/${GOOD}/progress.json`, aProgress({ runId: GOOD, nodeHours: 1 }));
  await expect(logs(context, GOOD, { task: 99 })).rejects.toThrow(
    /^the run .* has \d+ tasks, and no task 99$/,
  );
  await expect(logs(context, GOOD, { task: 2 })).rejects.toThrow(/that of all with `run.keepOutput: all`/);
  put(bucket, `runs/${GOOD}/plan.json`, aPlan({ keepOutput: 'all' }));
  await expect(logs(context, GOOD, { task: 2 })).rejects.toThrow(/once the run has ended/);
  await expect(logs(context, GOOD, { node: 2 })).rejects.toThrow(
    `the run ${GOOD} has no node 2, only 0 to 1`,
  );
  await expect(logs(context, GOOD, { node: 1 })).rejects.toThrow(/has written nothing$/);
  await expect(tasks(context, GOOD, {})).rejects.toThrow(`no task of the run ${GOOD} has ended`);
});

test('tasks of a run that has ended are found by parameter, time and end', async () => {
  const bucket = folderOfItsOwn();
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state: 'failed' }));
  const { context } = contextIn(bucket, { at: targetOf(bucket) });
  const joblog = `${JOBLOG_HEADER}\n2\t10.0.0.1\t0.000\t3.000\t0\t0\t3\t0\ts 2\n2\t10.0.0.2\t9.000\t1.000\t0\t0\t0\t0\ts 2\n`;
  writeFileSync(join(bucket, `runs/${GOOD}/joblog.tsv`), joblog);
  await expect(tasks(context, GOOD, { where: 'speed=2' })).rejects.toThrow(
    'parameters are columns when the run has ended',
  );
  const csv = [
    'task,speed,command,seconds,end,line',
    '1,0.1,s 1,9,succeeded,',
    '2,2.0,s 2,12,exit 3,"so ""bad"""',
    '3,2.0,s 3,100,exit 3,"two\nlines"',
    '4,2.0,s 4,,not started,',
  ];
  writeFileSync(join(bucket, `runs/${GOOD}/tasks.csv`), `${csv.join('\n')}\n`);
  const answer = async (question: Parameters<typeof tasks>[2], asJson = false) => {
    const asked = contextIn(bucket, { at: targetOf(bucket), asJson });
    expect(await tasks(asked.context, GOOD, question)).toBe(0);
    return asked.said.out;
  };
  expect(await answer({ where: 'speed=2 && seconds>10', sort: 'seconds' })).toBe(
    'TASK  SPEED  SECONDS  END     LINE       COMMAND\n3     2.0    100      exit 3  two lines  s 3\n2     2.0    12       exit 3  so "bad"   s 2\n',
  );
  const all = JSON.parse(await answer({ sort: '-seconds' }, true));
  expect(all.map(({ task }: { task: string }) => task)).toEqual(['1', '2', '3', '4']);
  expect(await answer({ where: 'speed=7' })).toBe('no task\n');
  expect(await answer({ where: 'speed=7' }, true)).toBe('[]\n');
  expect(await answer({ failed: true, where: 'task<4' })).toMatch(/^TASK.*\n2 .*\n3 .*\n$/);
  await expect(answer({ where: 'sped=1' })).rejects.toThrow('there is no column sped; there are task, speed');
  expect(await answer({ failed: true, slowest: 1 })).toMatch(/^TASK.*\n3 .*\n$/);
  expect(await answer({ tries: true })).toBe(
    'TASK  TRY  NODE      START                     SECONDS  END        EXIT  COMMAND\n' +
      '2     1    10.0.0.1  1970-01-01T00:00:00.000Z  3        exit 3     3     s 2\n' +
      '2     2    10.0.0.2  1970-01-01T00:00:09.000Z  1        succeeded  0     s 2\n',
  );
});

test('two runs are compared by parameters, results and outputs, and B is worse or is not', async () => {
  const bucket = folderOfItsOwn();
  const head = 'task,speed,command,seconds,end,version,mean,n\n';
  const made = (id: string, rows: string, files: object[], inputs: object[]) => {
    put(bucket, `runs/${id}/status.json`, aStatus({ runId: id, state: 'succeeded' }));
    put(bucket, `runs/${id}/outputs/index.json`, { files, missing: [] });
    put(bucket, `runs/${id}/versions.json`, [
      { id: 'x', from: '2026-01-01T00:00:00.000Z', inputs, image: null, environment: {} },
    ]);
    writeFileSync(join(bucket, `runs/${id}/tasks.csv`), `${head}${rows}`);
  };
  const other = GOOD.replace(/.$/, 'b');
  const file = (path: string, sha256: string) => ({ path, size: 1, sha256 });
  made(
    GOOD,
    '1,1,s,2,succeeded,x,1.0,5\n2,2,s,4,succeeded,x,2,5\n3,3,s,4,exit 1,x,,\n',
    [file('a', '1'), file('b', '2')],
    [],
  );
  // In another order, with one task that fails now, one that is fixed, and a number that has moved a little.
  made(
    other,
    '1,3,s,1,succeeded,x,3,5\n2,2,s,1,exit 3,x,,\n3,1,s,3,succeeded,x,1.001,5\n',
    [file('a', '9'), file('b', '2')],
    [{ to: 'p', sha256: 'y' }],
  );
  const answer = async (ids: [string, string], tolerance: number) => {
    const asked = contextIn(bucket, { at: targetOf(bucket), asJson: true });
    return { code: await diff(asked.context, ids, tolerance), ...JSON.parse(asked.said.out) };
  };
  expect(await answer([GOOD, other], 1e-6)).toMatchObject({
    code: 1,
    worse: true,
    versions: 'inputs',
    tasks: { inBoth: 3, onlyInA: 0, onlyInB: 0 },
    failing: { count: 1, tasks: ['speed=2'] },
    fixed: { count: 1, tasks: ['speed=3'] },
    medianSeconds: { a: 2, b: 3 },
    results: [
      { column: 'mean', compared: 1, differ: 1, example: 'speed=1: 1.0 and 1.001' },
      { column: 'n', compared: 1, differ: 0, example: null },
    ],
    outputs: { same: 1, differ: 1, onlyInA: 0, onlyInB: 0, paths: ['a'] },
  });
  const cut = GOOD.replace(/.$/, 'c');
  made(cut, '1,1,s,2,succeeded,x,1.0,5\n2,2,s,,not started,,,\n3,3,s,1,cut off,x,,\n', [], []);
  const parts = ({ alike, failing, fixed, notEnded }: RunDifference) => [
    alike.succeeded,
    alike.failed,
    failing.count,
    fixed.count,
    notEnded.count,
    notEnded.succeededInA,
  ];
  // What never ran in one of them is neither fixed nor fails now; only what had succeeded is worse.
  expect(parts(await answer([GOOD, cut], 1))).toEqual([1, 0, 0, 0, 2, 1]);
  expect(parts(await answer([cut, other], 1))).toEqual([1, 0, 0, 0, 2, 0]);
  expect(await answer([GOOD, cut], 1)).toMatchObject({ code: 1, worse: true });
  expect(await answer([cut, GOOD], 1)).toMatchObject({ code: 0, worse: false });
  const near = await answer([GOOD, other], 0.01);
  expect(near.results[0]).toMatchObject({ differ: 0 });
  expect(await answer([GOOD, GOOD], 0)).toMatchObject({ code: 0, worse: false, versions: '' });
  const asked = contextIn(bucket, { at: targetOf(bucket) });
  expect(await diff(asked.context, [GOOD, other], 0)).toBe(1);
  expect(asked.said.out).toContain('\nfail now   1, for instance speed=2\n');
});

test('SIERRA’s means are compared cell by cell, manifests by key, and outputs past the index as well', async () => {
  const bucket = folderOfItsOwn();
  const mean = (value: string) => `step,rate\n0,${value}\n`;
  const file = (path: string, sha256: string, more: object = {}) => ({ path, size: 1, sha256, ...more });
  const made = (id: string, nodes: number, means: readonly string[]) => {
    put(bucket, `runs/${id}/status.json`, aStatus({ runId: id, state: 'succeeded' }));
    put(bucket, `runs/${id}/manifest.yaml`, `name: x # ours\ncluster: {nodes: ${nodes}}\ntags: {v: 1.0}\n`);
    const files = means.map((value, at) => file(`s/c1-exp${at}/a.mean`, value));
    put(bucket, `runs/${id}/outputs/index.json`, { files, missing: [], listed: 1 });
    const part = file('s/c1-exp9/a.stddev', id, { part: '1-0-1.tar.gz' });
    put(bucket, `runs/${id}/outputs.jsonl`, `${JSON.stringify(part)}\n`);
    for (const [at, value] of means.entries())
      put(bucket, `runs/${id}/outputs/s/c1-exp${at}/a.mean`, mean(value));
    put(
      bucket,
      `runs/${id}/tasks.csv`,
      'task,experiment,run,command,seconds,end,version\n1,c1-exp0,0,s,1,succeeded,\n',
    );
  };
  const other = GOOD.replace(/.$/, 'b');
  made(GOOD, 2, ['0.75', '1', '2']);
  made(other, 4, ['1.0', '1', '2.0000000001']);
  const { context, said } = contextIn(bucket, { at: targetOf(bucket), asJson: true });
  expect(await diff(context, [GOOD, other], 1e-6)).toBe(1);
  expect(JSON.parse(said.out)).toMatchObject({
    manifests: [{ path: 'cluster.nodes', a: '2', b: '4' }],
    statistics: { compared: 4, differ: 2, example: 's/c1-exp0/a.mean, line 2, rate: 0.75 and 1.0' },
    outputs: { same: 1, differ: 3, onlyInA: 0, onlyInB: 0 },
  });
  const asked = contextIn(bucket, { at: targetOf(bucket) });
  expect(await diff(asked.context, [GOOD, GOOD], 0)).toBe(0);
  expect(asked.said.out).toContain('\nmanifests  the same\n');
  expect(asked.said.out).toContain('\nstatistics 4 tables of .mean and .stddev: the same\n');
});

test('a node’s log is text in a terminal, and in a pipe what was written', async () => {
  const bucket = folderOfItsOwn();
  const log = [
    '{"level":30,"time":"2026-01-02T03:04:05.678Z","self":0,"index":1,"why":"a b","event":"Node:Joined"}',
    '{"level":40,"time":"2026-01-02T03:04:06.000Z","self":0,"event":"Node:Odd"}',
    '{"level":30,"time":"2026-01-02T03:04:07.000Z","self":0,"line":"I run\\u001b[31m","event":"Sierra:Says"}',
    'a word of another',
    '{"level":30,"ti',
  ].join('\n');
  put(bucket, `runs/${GOOD}/status.json`, aStatus({ runId: GOOD, state: 'failed' }));
  put(bucket, `runs/${GOOD}/logs/nodes/0.log`, log);
  const { context, said } = contextIn(bucket, { at: targetOf(bucket) });
  expect(await logs(context, GOOD, {})).toBe(0);
  expect(said.out).toBe(log);
  said.out = '';
  const inTerminal = { ...context, terminal: { ...context.terminal, interactive: true } };
  expect(await logs(inTerminal, GOOD, {})).toBe(0);
  expect(said.out.split('\n')).toEqual([
    '03:04:05.678Z  Node:Joined  index=1 why="a b"',
    '03:04:06.000Z  ! Node:Odd',
    '03:04:07.000Z  Sierra:Says  I run\u001b[31m',
    'a word of another',
    '{"level":30,"ti',
  ]);
});

function put(bucket: string, key: string, value: object | string): void {
  mkdirSync(join(bucket, key, '..'), { recursive: true });
  writeFileSync(join(bucket, key), typeof value === 'string' ? value : JSON.stringify(value));
}

function targetOf(bucket: string): Target {
  return aTarget(folderStore(bucket), { name: 'the files' });
}

function clockAt(at: string) {
  return { now: () => Date.parse(at), sleep: async () => undefined };
}
