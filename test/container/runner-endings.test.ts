import { mkdirSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseJoblog } from '../../experiment/results/joblog.ts';
import type { LoopbackCluster } from '../support/loopback-cluster.ts';
import { JOIN_PORT, loopbackCluster } from '../support/loopback-cluster.ts';

let cluster: LoopbackCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PATIENCE = { timeout: 120_000 };
const twoNodes = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2 };

describe('how a run ends', () => {
  it.each(['pool', 'stock'] as const)(
    'with 1 when a task fails, its output sent (%s)',
    PATIENCE,
    async (fanout) => {
      cluster = await loopbackCluster(['echo fine', 'echo bad >&2; exit 7', 'kill -9 $$'], {
        ...twoNodes,
        fanout,
      });
      const nodes = cluster.startAll();
      const codes = await Promise.all(nodes.map((node) => node.exited));
      expect(codes, nodes[0]?.output()).toEqual([1, 0]);
      const keys = runKeys(cluster.runId);
      expect((await cluster.progress()).reason).toEqual({ kind: 'tasks-failed', failed: 2, lost: 0 });
      expect(await cluster.text(keys.taskOutput(2, 'err'))).toBe('bad\n');
      expect(await cluster.text(keys.taskOutput(1, 'out'))).toBeUndefined();
      const rows = parseJoblog((await cluster.text(keys.joblog)) ?? '');
      expect(rows.map((row) => [row.seq, row.exitval + row.signal])).toEqual([
        [1, 0],
        [2, 7],
        [3, 137],
      ]);
      expect(cluster.leftovers()).toEqual([]);
    },
  );

  it.each(['pool', 'stock'] as const)(
    'with 0 whatever the temporary folder of a node is called (%s)',
    PATIENCE,
    async (fanout) => {
      cluster = await loopbackCluster(['true', 'true', 'true', 'true'], { ...twoNodes, fanout });
      const odd = join(cluster.base, `a 'b' "c" %d \\e $f;`);
      mkdirSync(odd);
      const nodes = cluster.startAll({ TMPDIR: odd });
      expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([0, 0]);
      expect(readdirSync(odd)).toEqual([]);
    },
  );

  it('with 3 when a worker never comes, and names it', PATIENCE, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 4, runSeconds: 60 };
    cluster = await loopbackCluster(['true'], { timeouts });
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

  it('goes on without that worker when minNodes allows it', PATIENCE, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 4, runSeconds: 60 };
    cluster = await loopbackCluster(['true', 'true'], { timeouts, minNodes: 3 });
    const nodes = [cluster.start(0), cluster.start(1), cluster.start(3)];
    expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0, 0]);
    expect((await cluster.nodes()).map((node) => node.state)).toEqual([
      'released',
      'released',
      'never-came',
      'released',
    ]);
  });

  it.each(['pool', 'stock'] as const)(
    'with 143 within 25 s of SIGTERM, what is done recorded (%s)',
    PATIENCE,
    async (fanout) => {
      const commands = ['echo one', 'trap "" TERM; sleep 100', 'sleep 100', 'sleep 100'];
      cluster = await loopbackCluster(commands, { ...twoNodes, fanout });
      const nodes = cluster.startAll();
      const joblog = runKeys(cluster.runId).joblog;
      for (let waited = 0; waited < 300 && !(await cluster.text(joblog))?.includes('echo one'); waited++)
        await new Promise((resolve) => setTimeout(resolve, 100));
      const asked = Date.now();
      nodes[0]?.child.kill('SIGTERM');
      const codes = await Promise.all(nodes.map((node) => node.exited));
      expect(codes, nodes[0]?.output()).toEqual([143, 0]);
      expect(Date.now() - asked).toBeLessThan(25_000);
      expect((await cluster.progress()).reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
      expect(parseJoblog((await cluster.text(joblog)) ?? '').map((row) => row.seq)).toContain(1);
      expect(cluster.leftovers()).toEqual([]);
    },
  );

  it('with 143 when told to end while nodes are still missing', PATIENCE, async () => {
    cluster = await loopbackCluster(['true'], twoNodes);
    const main = cluster.start(0);
    await main.event('Join:Listening');
    main.child.kill('SIGTERM');
    expect(await main.exited).toBe(143);
    expect(cluster.leftovers()).toEqual([]);
  });

  it('with 124 at the time limit and 7 when the budget is used up', PATIENCE, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 30, runSeconds: 2 };
    cluster = await loopbackCluster(['sleep 100'], { ...twoNodes, timeouts });
    expect(await cluster.startAll()[0]?.exited).toBe(124);
    await cluster.close();
    cluster = await loopbackCluster(['sleep 100'], { ...twoNodes, maxNodeHours: 0.001 });
    expect(await cluster.startAll()[0]?.exited).toBe(7);
    expect((await cluster.progress()).reason?.kind).toBe('budget-used');
  });

  it('with 6 for a second job, which touches nothing', PATIENCE, async () => {
    cluster = await loopbackCluster(['sleep 2'], twoNodes);
    const nodes = cluster.startAll();
    await nodes[0]?.event('Join:Listening');
    const second = cluster.start(0, { AWS_BATCH_JOB_ID: 'another-job#0', ECS_CONTAINER_METADATA_URI_V4: '' });
    expect(await second.exited).toBe(6);
    expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0]);
    expect((await cluster.progress()).jobId).toBe(cluster.jobId);
  });

  it(
    'with 2 for the second of two runs that go on with the same one, and the first is not touched',
    PATIENCE,
    async () => {
      const earlier = 'earlier-0123456789a';
      cluster = await loopbackCluster(['sleep 4'], { ...twoNodes, resume: earlier, folder: earlier });
      const { runId } = cluster;
      const nodes = cluster.startAll();
      await nodes[0]?.event('Commands:Frozen');
      const second = 'second-0123456789a';
      const plan = (await cluster.text(runKeys(runId).plan)) ?? '';
      const alone = { runId: second, cluster: { nodes: 1, vcpus: 2, memoryMiB: 512 }, minNodes: 1 };
      await cluster.put(runKeys(second).plan, JSON.stringify({ ...JSON.parse(plan), ...alone }));
      const other = cluster.start(2, {
        SIERRA_BATCH_RUN: `s3://bucket/runs/${second}`,
        AWS_BATCH_JOB_ID: 'another-job#0',
        AWS_BATCH_JOB_NODE_INDEX: '0',
        AWS_BATCH_JOB_NUM_NODES: '1',
        ECS_CONTAINER_METADATA_URI_V4: '',
      });
      expect(await other.exited, other.output()).toBe(2);
      expect(await cluster.text(runKeys(second).progress)).toMatch(
        `run ${runId} writes there in the folder of ${earlier}`,
      );
      expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0]);
      expect((await cluster.progress()).reason).toEqual({ kind: 'succeeded' });
    },
  );

  it('with 2 when the environment or the plan is wrong, every fault told', PATIENCE, async () => {
    cluster = await loopbackCluster(['true'], twoNodes);
    const node = cluster.start(0, { AWS_BATCH_JOB_NUM_NODES: 'x', SIERRA_BATCH_SHARED: 'relative' });
    expect(await node.exited).toBe(2);
    expect(node.output()).toContain('AWS_BATCH_JOB_NUM_NODES');
    expect(node.output()).toContain('SIERRA_BATCH_SHARED');
    await cluster.put(runKeys(cluster.runId).plan, '{"version":9}');
    expect(await cluster.start(0).exited).toBe(2);
    expect((await cluster.progress()).reason?.kind).toBe('bad-plan');
  });

  it('with 2 and the place when shared storage refuses what is written in between', PATIENCE, async () => {
    cluster = await loopbackCluster(['true'], twoNodes);
    const folder = join(cluster.shared, 'runs', cluster.runId);
    mkdirSync(join(folder, 'nodefile/in-the-way'), { recursive: true });
    const [main] = cluster.startAll();
    expect(await main?.exited, main?.output()).toBe(2);
    expect((await cluster.progress()).reason).toMatchObject({
      kind: 'storage-failed',
      path: expect.stringMatching(/nodefile/),
    });
  });

  it('with 2 when a node lacks something, told with what to do', PATIENCE, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 4, runSeconds: 60 };
    cluster = await loopbackCluster(['true'], { ...twoNodes, timeouts });
    const nodes = [cluster.start(0), cluster.start(1, { SIERRA_BATCH_SHARED: '/proc/no-such-folder' })];
    expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([2, 3]);
    const reason = (await cluster.progress()).reason;
    expect(reason).toMatchObject({ kind: 'bad-environment', faults: [{ node: 1 }] });
    expect(cluster.leftovers()).toEqual([]);
  });
});

describe('a retried attempt', () => {
  it('runs only what has not succeeded', PATIENCE, async () => {
    const commands = [
      'echo x >> ../count-1',
      'echo x >> ../count-2; [ -e ../again ]',
      'echo x >> ../count-3',
    ];
    cluster = await loopbackCluster(commands, twoNodes);
    expect(await cluster.startAll()[0]?.exited).toBe(1);
    const again = cluster.startAll({ AWS_BATCH_JOB_ATTEMPT: '2' });
    const codes = await Promise.all(again.map((node) => node.exited));
    expect(codes[0], again[0]?.output()).toBe(1);
    const progress = await cluster.progress();
    expect(progress).toMatchObject({ attempt: 2, tasks: { total: 3, succeeded: 2, failed: 1 } });
    expect(parseJoblog((await cluster.text(runKeys(cluster.runId).joblog)) ?? '')).toHaveLength(3);
  });
});

describe('the join port', () => {
  it(
    'refuses garbage, silence, other runs and a wrong key, says so once, and the run goes on',
    PATIENCE,
    async () => {
      cluster = await loopbackCluster(['true'], twoNodes);
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
        'and this is',
      );
      expect(await say(cluster.address(0), line({ ...hello, attempt: 2 }))).toContain('attempt 2');
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
