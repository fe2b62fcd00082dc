import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { describe, it, vi } from 'vitest';
import type { LoopbackCluster } from '../support/loopback-cluster.ts';
import { loopbackCluster } from '../support/loopback-cluster.ts';

const PATIENCE = { timeout: 150_000 };
const threeNodes = { cluster: { nodes: 3, vcpus: 2, memoryMiB: 512 } };

/** Each says where it began and that it ended. */
const task = (seconds: number) =>
  `echo "began $PARALLEL_SEQ $AWS_BATCH_JOB_NODE_INDEX" >> ../began; sleep ${seconds}; echo "$PARALLEL_SEQ" >> ../ended`;

/** Three nodes with six tasks that take so many seconds; gone when the test is. Tests of this file mostly wait, at once. */
async function threeNodesWith(seconds: number, { onTestFinished }: TestContext, minNodes = 2) {
  const commands = Array.from({ length: 6 }, () => task(seconds));
  const cluster = await loopbackCluster(commands, { ...threeNodes, minNodes });
  onTestFinished(() => cluster.close());
  return cluster;
}

function linesOf({ shared, runId }: LoopbackCluster, name: string): string[] {
  return readFileSync(join(shared, 'runs', runId, name), 'utf8')
    .trim()
    .split('\n');
}

async function untilTasksRunOn(cluster: LoopbackCluster, index: number): Promise<void> {
  for (let waited = 0; waited < 300; waited++) {
    await delay(100);
    try {
      if (linesOf(cluster, 'began').some((line) => line.endsWith(` ${index}`))) return;
    } catch {
      // no task has begun
    }
  }
  throw new Error(`no task began on node ${index}`);
}

describe.concurrent('a node that is lost while tasks run', () => {
  it('has its tasks done by others once its lease must have run out', PATIENCE, async (test) => {
    const { expect } = test;
    const cluster = await threeNodesWith(4, test);
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 2);
    const at = Date.now();
    cluster.signalNode(2, 'SIGKILL');
    expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(0);
    expect(Date.now() - at).toBeGreaterThan(12_000);
    expect(new Set(linesOf(cluster, 'ended')).size).toBe(6);
    expect((await cluster.nodes())[2]).toMatchObject({ state: 'lost' });
    expect(await nodes[1]?.exited).toBe(0);
  });

  it('that was only held up gives itself up, and no task of it goes on', PATIENCE, async (test) => {
    const { expect } = test;
    const cluster = await threeNodesWith(10, test);
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 2);
    cluster.signalNode(2, 'SIGSTOP');
    await nodes[0]?.event('Node:Lost');
    cluster.signalNode(2, 'SIGCONT');
    expect(await nodes[2]?.exited, nodes[2]?.output()).toBe(4);
    expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(0);
    expect(new Set(linesOf(cluster, 'ended')).size).toBe(6);
    expect(await nodes[1]?.exited).toBe(0);
    expect(cluster.leftovers()).toEqual([]);
  });

  it('ends the run with 4 when fewer than minNodes are left', PATIENCE, async (test) => {
    const { expect } = test;
    const cluster = await threeNodesWith(60, test, 3);
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 2);
    nodes[2]?.child.kill('SIGTERM');
    expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(4);
    expect((await cluster.progress()).reason).toMatchObject({ kind: 'too-many-lost', lost: [2], needed: 3 });
    expect(await nodes[2]?.exited).toBe(143);
    expect(await nodes[1]?.exited).toBe(0);
    expect(cluster.leftovers()).toEqual([]);
  });

  it('ends nothing any more once every task has ended', PATIENCE, async (test) => {
    const { expect } = test;
    const onMain = Array<string>(4).fill(`[ $AWS_BATCH_JOB_NODE_INDEX != 0 ] || { ${task(8)}; }`);
    const cluster = await loopbackCluster(onMain, { ...threeNodes, minNodes: 3 });
    test.onTestFinished(() => cluster.close());
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 0);
    // Nothing is left but what runs on node 0.
    const known = () => linesOf(cluster, 'began').length + linesOf(cluster, 'joblog').length - 1;
    await vi.waitFor(() => expect(known()).toBe(onMain.length), { timeout: 5000 });
    cluster.signalNode(2, 'SIGSTOP');
    expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(0);
    expect((await cluster.progress()).reason).toEqual({ kind: 'succeeded' });
    expect((await cluster.nodes())[2]).toMatchObject({ state: 'lost' });
  });
});

describe.concurrent('node 0', () => {
  it(
    'that was held up for 12 s finds its workers stopped, lets them go on and loses nobody',
    PATIENCE,
    async (test) => {
      const { expect } = test;
      const cluster = await threeNodesWith(16, test);
      const nodes = cluster.startAll();
      await untilTasksRunOn(cluster, 2);
      nodes[0]?.child.kill('SIGSTOP');
      await nodes[1]?.event('Lease:InDoubt', 20_000);
      await delay(2000);
      nodes[0]?.child.kill('SIGCONT');
      await nodes[1]?.event('Lease:Renewed');
      expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(0);
      expect(linesOf(cluster, 'began')).toHaveLength(6);
      expect((await cluster.nodes()).map((node) => node.state)).toEqual(['released', 'released', 'released']);
    },
  );

  it('that dies leaves workers that end by themselves, with all their tasks', PATIENCE, async (test) => {
    const { expect } = test;
    const cluster = await threeNodesWith(100, test);
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 2);
    cluster.signalNode(0, 'SIGKILL');
    expect(await nodes[1]?.exited, nodes[1]?.output()).toBe(4);
    expect(await nodes[2]?.exited).toBe(4);
    const left = cluster.leftovers().filter((one) => one.startsWith('process') || one.startsWith('listener'));
    expect(left).toEqual([]);
  });

  it('brings the sshd of a worker up again when its channel breaks', PATIENCE, async (test) => {
    const { expect } = test;
    const cluster = await threeNodesWith(4, test);
    const nodes = cluster.startAll();
    await untilTasksRunOn(cluster, 1);
    cluster.killSshd(1);
    expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(0);
    expect(nodes[1]?.output()).toContain('Sshd:Restarted');
    expect((await cluster.nodes())[1]?.state).toBe('released');
    expect(await Promise.all(nodes.map((node) => node.exited))).toEqual([0, 0, 0]);
    expect(cluster.leftovers()).toEqual([]);
  });
});
