import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseJoblog } from '../../experiment/results/joblog.ts';
import type { LoopbackCluster } from '../support/loopback-cluster.ts';
import { JOIN_PORT, test } from '../support/loopback-cluster.ts';

const PATIENCE = { timeout: 120_000 };
const CLOSING = { finally: 'echo closed >> ../closed', outputs: [], results: { from: 'stdout' as const } };
/** A task with something for the table. */
const PRINTS = `echo '{"n": 1}'`;
const twoNodes = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2 };

/** On a busy machine the first task may not have ended when the run is cut. */
async function expectResultsOfRows(cluster: Pick<LoopbackCluster, 'text' | 'runId'>): Promise<void> {
  const keys = runKeys(cluster.runId);
  const rows = parseJoblog((await cluster.text(keys.joblog)) ?? '').filter(({ seq }) => seq === 1);
  expect((await cluster.text(keys.results)) ?? '').toBe(rows.length === 0 ? '' : '[1,{"n":1}]\n');
}

describe.concurrent('how a run ends', () => {
  test('with 1 when a task fails, its output sent', PATIENCE, async ({ aCluster }) => {
    const closing = { finally: 'cat part.* > all', outputs: ['all'] };
    const commands = ['echo fine > part.1', 'echo bad >&2; exit 7', 'kill -9 $$'];
    const cluster = await aCluster(commands, { ...twoNodes, ...closing });
    const nodes = cluster.startAll();
    const codes = await Promise.all(nodes.map((node) => node.exited));
    expect(codes, nodes[0]?.output()).toEqual([1, 0]);
    const keys = runKeys(cluster.runId);
    expect((await cluster.progress()).reason).toEqual({ kind: 'tasks-failed', failed: 2, lost: 0 });
    expect(await cluster.text(keys.taskOutput(2, 'err'))).toBe('bad\n');
    expect(await cluster.text(keys.taskOutput(1, 'out'))).toBeUndefined();
    // The closing command saw what the others had written, and what it wrote was sent.
    expect(await cluster.text(`${keys.outputs}all`)).toBe('fine\n');
    const rows = parseJoblog((await cluster.text(keys.joblog)) ?? '');
    expect(rows.map((row) => [row.seq, row.exitval + row.signal]).toSorted()).toEqual([
      [1, 0],
      [2, 7],
      [3, 137],
    ]);
    expect(cluster.leftovers()).toEqual([]);
  });

  test('with 3 when a worker never comes, and names it', PATIENCE, async ({ aCluster }) => {
    const timeouts = { queueSeconds: 60, joinSeconds: 15, runSeconds: 60 };
    const cluster = await aCluster(['true'], { timeouts });
    const nodes = [cluster.start(0), cluster.start(1), cluster.start(3)];
    const codes = await Promise.all(nodes.map((node) => node.exited));
    expect(codes[0], nodes[0]?.output()).toBe(3);
    expect((await cluster.progress()).reason).toEqual({
      kind: 'too-few-joined',
      joined: 3,
      needed: 4,
      missing: [2],
    });
    expect((await cluster.nodes())[2]?.state).toBe('never-came');
    expect(cluster.leftovers()).toEqual([]);
  });

  test('with 143 after SIGTERM, what is done recorded', PATIENCE, async ({ aCluster }) => {
    const commands = [PRINTS, 'trap "" TERM; sleep 100', 'sleep 100', 'sleep 100'];
    const cluster = await aCluster(commands, { ...twoNodes, ...CLOSING });
    const nodes = cluster.startAll();
    const joblog = runKeys(cluster.runId).joblog;
    await vi.waitFor(async () => expect(await cluster.text(joblog)).toContain(PRINTS), 60_000);
    nodes[0]?.child.kill('SIGTERM');
    const codes = await Promise.all(nodes.map((node) => node.exited));
    expect(codes, nodes[0]?.output()).toEqual([143, 0]);
    expect((await cluster.progress()).reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
    expect(parseJoblog((await cluster.text(joblog)) ?? '').map((row) => row.seq)).toContain(1);
    expect(await cluster.text(runKeys(cluster.runId).results)).toBe('[1,{"n":1}]\n');
    expect(nodes[0]?.output()).not.toContain('Finally:');
    expect(cluster.leftovers()).toEqual([]);
  });

  test('with 143 when told to end while nodes are still missing', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster(['true'], twoNodes);
    const main = cluster.start(0);
    await main.event('Join:Listening');
    main.child.kill('SIGTERM');
    expect(await main.exited).toBe(143);
    expect(cluster.leftovers()).toEqual([]);
  });

  test('with 124 at the time limit', PATIENCE, async ({ aCluster }) => {
    const timeouts = { queueSeconds: 60, joinSeconds: 60, runSeconds: 2 };
    const cluster = await aCluster([PRINTS, 'sleep 100'], { ...twoNodes, ...CLOSING, timeouts });
    const nodes = cluster.startAll();
    expect(await nodes[0]?.exited).toBe(124);
    await expectResultsOfRows(cluster);
    expect(nodes[0]?.output()).not.toContain('Finally:');
  });

  test('with 7 when the budget is used up', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster([PRINTS, 'sleep 100'], { ...twoNodes, ...CLOSING, maxNodeHours: 0.001 });
    const nodes = cluster.startAll();
    expect(await nodes[0]?.exited).toBe(7);
    await expectResultsOfRows(cluster);
    expect(nodes[0]?.output()).not.toContain('Finally:');
    expect((await cluster.progress()).reason?.kind).toBe('budget-used');
  });

  test('with 6 for a second job, which touches nothing', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster(['until [ -e ../go-on ]; do sleep 0.1; done'], twoNodes);
    const nodes = cluster.startAll();
    await nodes[0]?.event('Join:Listening');
    const second = cluster.start(0, { AWS_BATCH_JOB_ID: 'another-job#0', ECS_CONTAINER_METADATA_URI_V4: '' });
    expect(await second.exited).toBe(6);
    writeFileSync(join(cluster.shared, 'runs', cluster.runId, 'go-on'), '');
    expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0]);
    expect((await cluster.progress()).jobId).toBe(cluster.jobId);
  });

  test(
    'with 2 when the environment or the plan is wrong, every fault told',
    PATIENCE,
    async ({ aCluster }) => {
      const cluster = await aCluster(['true'], twoNodes);
      const node = cluster.start(0, { AWS_BATCH_JOB_NUM_NODES: 'x', SIERRA_BATCH_SHARED: 'relative' });
      expect(await node.exited).toBe(2);
      expect(node.output()).toContain('AWS_BATCH_JOB_NUM_NODES');
      expect(node.output()).toContain('SIERRA_BATCH_SHARED');
      await cluster.put(runKeys(cluster.runId).plan, '{"version":9}');
      expect(await cluster.start(0).exited).toBe(2);
      expect((await cluster.progress()).reason?.kind).toBe('bad-plan');
    },
  );
});

describe.concurrent('a retried attempt', () => {
  test('runs only what has not succeeded, and the closing command again', PATIENCE, async ({ aCluster }) => {
    const commands = [
      'echo x >> ../count-1',
      'echo x >> ../count-2; [ -e ../again ]',
      'echo x >> ../count-3',
    ];
    const cluster = await aCluster(commands, { ...twoNodes, ...CLOSING });
    expect(await cluster.startAll()[0]?.exited).toBe(1);
    const again = cluster.startAll({ AWS_BATCH_JOB_ATTEMPT: '2' });
    const codes = await Promise.all(again.map((node) => node.exited));
    expect(codes[0], again[0]?.output()).toBe(1);
    const progress = await cluster.progress();
    expect(progress).toMatchObject({ attempt: 2, tasks: { total: 3, succeeded: 2, failed: 1 } });
    expect(parseJoblog((await cluster.text(runKeys(cluster.runId).joblog)) ?? '')).toHaveLength(3);
    const closed = join(cluster.shared, 'runs', cluster.runId, 'closed');
    expect(readFileSync(closed, 'utf8')).toBe('closed\nclosed\n');
  });
});

describe.concurrent('the join port', () => {
  test(
    'refuses garbage, silence, other runs and a wrong key, says so once, and the run goes on',
    PATIENCE,
    async ({ aCluster }) => {
      const cluster = await aCluster(['true'], twoNodes);
      const main = cluster.start(0);
      await main.event('Join:Listening');
      const hello = {
        t: 'hello',
        version: 1,
        run: cluster.runId,
        job: cluster.jobId,
        attempt: 1,
        index: 1,
        nonce: '0'.repeat(32),
      };
      const line = (value: unknown) => `${JSON.stringify(value)}\n`;
      const join = { t: 'join', facts: '{}', mac: 'a'.repeat(64) };
      expect(await say(cluster.address(0), 'GET / HTTP/1.1\r\n\r\n')).toContain('not a hello');
      expect(await say(cluster.address(0), 'x'.repeat(100_000))).toBe('');
      expect(await say(cluster.address(0), line({ ...hello, run: 'other-run-0123456789a' }))).toContain(
        '"another run, job or attempt is here"',
      );
      expect(await say(cluster.address(0), line({ ...hello, attempt: 2 }))).toContain(
        '"another run, job or attempt is here"',
      );
      for (let times = 0; times < 3; times++)
        expect(await say(cluster.address(0), line(hello) + line(join))).toContain('wrong key');
      const silent = connect(JOIN_PORT, cluster.address(0));
      silent.on('error', () => undefined);
      const worker = cluster.start(1);
      expect(await main.exited, main.output()).toBe(0);
      expect(await worker.exited).toBe(0);
      silent.destroy();
      const refusals = main
        .output()
        .split('\n')
        .filter((text) => text.includes('Join:Refused'));
      expect(refusals.filter((text) => text.includes('wrong key'))).toHaveLength(1);
    },
  );
});

async function say(address: string, text: string): Promise<string> {
  const socket = connect(JOIN_PORT, address);
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}
