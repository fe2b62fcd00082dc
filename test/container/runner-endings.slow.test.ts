import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseJoblog } from '../../experiment/results/joblog.ts';
import { test } from '../support/loopback-cluster.ts';

const PATIENCE = { timeout: 120_000 };
const twoNodes = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2 };

describe.concurrent('how a run ends', () => {
  test('with 1 when a task fails, its output sent (stock)', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster(['echo fine', 'echo bad >&2; exit 7', 'kill -9 $$'], {
      ...twoNodes,
      fanout: 'stock',
    });
    const nodes = cluster.startAll();
    const codes = await Promise.all(nodes.map((node) => node.exited));
    expect(codes, nodes[0]?.output()).toEqual([1, 0]);
    const keys = runKeys(cluster.runId);
    expect((await cluster.progress()).reason).toEqual({ kind: 'tasks-failed', failed: 2, lost: 0 });
    expect(await cluster.text(keys.taskOutput(2, 'err'))).toBe('bad\n');
    expect(await cluster.text(keys.taskOutput(1, 'out'))).toBeUndefined();
    const rows = parseJoblog((await cluster.text(keys.joblog)) ?? '');
    expect(rows.map((row) => [row.seq, row.exitval + row.signal]).toSorted()).toEqual([
      [1, 0],
      [2, 7],
      [3, 137],
    ]);
    expect(cluster.leftovers()).toEqual([]);
  });

  test('with 1 when stopAfter stops it, without its closing command', PATIENCE, async ({ aCluster }) => {
    const closing = { finally: 'echo closed', outputs: [] };
    const commands = ['exit 3', ...Array.from({ length: 9 }, () => 'sleep 100')];
    const cluster = await aCluster(commands, { ...twoNodes, ...closing, stopAfter: { failures: 1 } });
    const nodes = cluster.startAll();
    expect(await nodes[0]?.exited).toBe(1);
    expect((await cluster.progress()).reason?.kind).toBe('failures-stopped');
    expect(nodes[0]?.output()).not.toContain('Finally:');
  });

  test('with 0 whatever the temporary folder of a node is called (pool)', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster(['true', 'true', 'true', 'true'], { ...twoNodes });
    const odd = join(cluster.base, `a 'b' "c" %d \\e $f;`);
    mkdirSync(odd);
    const nodes = cluster.startAll({ TMPDIR: odd });
    expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([0, 0]);
    expect(readdirSync(odd)).toEqual([]);
  });

  test('with 0 whatever the temporary folder of a node is called (stock)', PATIENCE, async ({ aCluster }) => {
    const cluster = await aCluster(['true', 'true', 'true', 'true'], { ...twoNodes, fanout: 'stock' });
    const odd = join(cluster.base, `a 'b' "c" %d \\e $f;`);
    mkdirSync(odd);
    const nodes = cluster.startAll({ TMPDIR: odd });
    expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([0, 0]);
    expect(readdirSync(odd)).toEqual([]);
  });

  test('with 1 when the closing command fails, or takes too long', PATIENCE, async ({ aCluster }) => {
    const timeouts = { queueSeconds: 60, joinSeconds: 60, runSeconds: 60, finallySeconds: 1 };
    const endings = ['echo no table >&2; exit 3', 'sleep 100'].map(async (closing) => {
      const cluster = await aCluster(['true', 'true'], { ...twoNodes, finally: closing, timeouts });
      const [main] = cluster.startAll();
      expect(await main?.exited, main?.output()).toBe(1);
      expect(cluster.leftovers()).toEqual([]);
      return (await cluster.progress()).reason;
    });
    expect(await Promise.all(endings)).toMatchObject([
      { kind: 'finally-failed', exitCode: 3, tail: 'no table\n', failed: 0 },
      { kind: 'finally-failed', limitSeconds: 1, failed: 0 },
    ]);
  });

  test('with 143 after SIGTERM, what is done recorded (stock)', PATIENCE, async ({ aCluster }) => {
    const commands = ['echo one', 'trap "" TERM; sleep 100', 'sleep 100', 'sleep 100'];
    const cluster = await aCluster(commands, { ...twoNodes, fanout: 'stock' });
    const nodes = cluster.startAll();
    const joblog = runKeys(cluster.runId).joblog;
    await vi.waitFor(async () => expect(await cluster.text(joblog)).toContain('echo one'), 60_000);
    nodes[0]?.child.kill('SIGTERM');
    const codes = await Promise.all(nodes.map((node) => node.exited));
    expect(codes, nodes[0]?.output()).toEqual([143, 0]);
    expect((await cluster.progress()).reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
    expect(parseJoblog((await cluster.text(joblog)) ?? '').map((row) => row.seq)).toContain(1);
    expect(cluster.leftovers()).toEqual([]);
  });

  test('goes on without that worker when minNodes allows it', PATIENCE, async ({ aCluster }) => {
    const timeouts = { queueSeconds: 60, joinSeconds: 20, runSeconds: 60 };
    const cluster = await aCluster(['true', 'true'], { timeouts, minNodes: 3 });
    const nodes = [cluster.start(0), cluster.start(1), cluster.start(3)];
    expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0, 0]);
    expect((await cluster.nodes()).map((node) => node.state)).toEqual([
      'released',
      'released',
      'never-came',
      'released',
    ]);
  });

  test(
    'with 2 for the second of two runs that go on with the same one, and the first is not touched',
    PATIENCE,
    async ({ aCluster }) => {
      const earlier = 'earlier-0123456789a';
      const cluster = await aCluster(['until [ -e ../go-on ]; do sleep 0.1; done'], {
        ...twoNodes,
        resume: earlier,
        folder: earlier,
      });
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
      writeFileSync(join(cluster.shared, 'runs', earlier, 'go-on'), '');
      expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0]);
      expect((await cluster.progress()).reason).toEqual({ kind: 'succeeded' });
    },
  );

  test(
    'with 2 and the place when shared storage refuses what is written in between',
    PATIENCE,
    async ({ aCluster }) => {
      const cluster = await aCluster(['true'], twoNodes);
      const folder = join(cluster.shared, 'runs', cluster.runId);
      mkdirSync(join(folder, 'nodefile/in-the-way'), { recursive: true });
      const [main] = cluster.startAll();
      expect(await main?.exited, main?.output()).toBe(2);
      expect((await cluster.progress()).reason).toMatchObject({
        kind: 'storage-failed',
        path: expect.stringMatching(/nodefile/),
      });
    },
  );

  test('with 3 when a node cannot read shared storage, which it said', PATIENCE, async ({ aCluster }) => {
    const timeouts = { queueSeconds: 60, joinSeconds: 20, runSeconds: 60 };
    const cluster = await aCluster(['true'], { ...twoNodes, timeouts });
    const nodes = [cluster.start(0), cluster.start(1, { SIERRA_BATCH_SHARED: '/proc/no-such-folder' })];
    expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([3, 3]);
    // Without a proof of who said it, it ends nothing before the time is over.
    const reason = (await cluster.progress()).reason;
    expect(reason).toEqual({ kind: 'too-few-joined', joined: 1, needed: 2, missing: [1], cannotRead: [1] });
    expect(cluster.leftovers()).toEqual([]);
  });
});
