import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { joinMain } from '../../../container/join/client.ts';
import type { WorkerMessage } from '../../../container/join/messages.ts';
import { readEnvironment } from '../../../container/process/environment.ts';
import { realClock } from '../../../local/clock/real.ts';
import { SeededRandom } from '../../../local/clock/seeded-random.ts';
import type { LoopbackCluster } from '../../support/loopback-cluster.ts';
import { JOIN_PORT, SSH_PORT, test } from '../../support/loopback-cluster.ts';

const PATIENCE = { timeout: 120_000 };
const SOON = { queueSeconds: 60, joinSeconds: 20, runSeconds: 60 };

describe.concurrent('what nodes find out only of each other ends the run before any task, with 2', () => {
  test(
    'shared storage that is another one, told together with what other nodes lack',
    PATIENCE,
    async ({ aCluster }) => {
      const cluster = await aCluster(['touch ../ran'], {
        cluster: { nodes: 3, vcpus: 2, memoryMiB: 512 },
        minNodes: 3,
        timeouts: SOON,
      });
      const elsewhere = join(cluster.base, 'elsewhere');
      mkdirSync(elsewhere);
      const nodes = [
        cluster.start(0),
        cluster.start(1, { SIERRA_BATCH_SHARED: elsewhere }),
        cluster.start(2, { TMPDIR: '/dev/shm', PATH: `${cluster.base}/no-programs:/usr/sbin` }),
      ];
      expect(await nodes[0]?.exited, nodes[0]?.output()).toBe(2);
      const { reason } = await cluster.progress();
      expect(reason).toMatchObject({
        kind: 'bad-environment',
        faults: expect.arrayContaining([
          {
            node: 1,
            check: 'shared-storage-differs',
            what: expect.any(String),
            todo: expect.stringMatching(/same/),
          },
          { node: 2, check: 'no-parallel', what: expect.any(String), todo: expect.any(String) },
        ]),
      });
      expect(existsSync(join(cluster.shared, 'runs', cluster.runId, 'ran'))).toBe(false);
    },
  );

  test(
    'CPUs that differ, where SIERRA needs equal nodes; other runs only lose speed',
    PATIENCE,
    async ({ aCluster }) => {
      const change = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2, timeouts: SOON };
      const cluster = await aCluster([], {
        ...change,
        work: { kind: 'sierra', args: [], pipeline: [1, 2], onFailedRuns: 'process' },
      });
      const bin = join(cluster.base, 'bin');
      mkdirSync(bin);
      writeFileSync(join(bin, 'sierra'), '#!/bin/sh\n');
      chmodSync(join(bin, 'sierra'), 0o755);
      const main = cluster.start(0, { PATH: `${bin}:${process.env.PATH}` });
      expect(await joinAs(cluster, 1, 999)).toBe('in');
      expect(await main.exited, main.output()).toBe(2);
      expect((await cluster.progress()).reason).toMatchObject({
        kind: 'bad-environment',
        faults: [{ node: 1, check: 'cpu-counts-differ', what: expect.stringMatching(/^it has 999 CPUs/) }],
      });
    },
  );
});

describe.concurrent('a worker that is lost', () => {
  test(
    'before node 0 has made it known to ssh is lost, and no node of the run',
    PATIENCE,
    async ({ aCluster }) => {
      const change = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 1, timeouts: SOON };
      const cluster = await aCluster(['true'], change);
      const main = cluster.start(0);
      expect(await joinAs(cluster, 1, 2, { t: 'bye', why: 'it was told to end' })).toBe('in');
      expect(await main.exited, main.output()).toBe(0);
      expect((await cluster.nodes()).map(({ state }) => state)).toEqual(['released', 'lost']);
    },
  );
});

describe.concurrent('workers whose sshd does not answer', () => {
  test('are waited for side by side', PATIENCE, async ({ aCluster, onTestFinished }) => {
    const change = { minNodes: 4, timeouts: { ...SOON, joinSeconds: 40 }, fanout: 'stock' } as const;
    const cluster = await aCluster(['true'], change);
    const main = cluster.start(0);
    for (const index of [1, 2, 3]) {
      const silent = createServer().listen(SSH_PORT, cluster.address(index));
      onTestFinished(() => void silent.close());
      expect(await joinAs(cluster, index, 2)).toBe('in');
    }
    // ssh gives each of them ten seconds.
    const joined = () => main.output().split('"event":"Node:Joined"').length - 1;
    await expect.poll(joined, { timeout: 30_000 }).toBe(4);
  });
});

/** A worker of the test's own, which tells of itself what it likes, and at once what is given as well. */
async function joinAs(
  at: LoopbackCluster,
  index: number,
  cpus: number,
  also?: WorkerMessage,
): Promise<string> {
  const environment = readEnvironment({
    SIERRA_BATCH_RUN: `s3://bucket/runs/${at.runId}`,
    SIERRA_BATCH_SHARED: at.shared,
    SIERRA_BATCH_JOIN_PORT: String(JOIN_PORT),
    AWS_REGION: 'local',
    AWS_BATCH_JOB_ID: `${at.jobId}#${index}`,
    AWS_BATCH_JOB_ATTEMPT: '1',
    AWS_BATCH_JOB_NODE_INDEX: String(index),
    AWS_BATCH_JOB_NUM_NODES: '4',
    AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: at.address(0),
  });
  if (!environment.ok) throw new Error(JSON.stringify(environment.faults));
  const { nonce } = new SeededRandom(index);
  const instance = nonce();
  const options = {
    config: environment.config,
    mainAddress: at.address(0),
    ownAddress: at.address(index),
    clock: realClock,
    makeNonce: nonce,
    log: () => undefined,
    facts: () => ({
      instance,
      address: at.address(index),
      sshPort: 22,
      hostKey: `ssh-ed25519 ${'A'.repeat(68)}`,
      cpus,
      startedAt: Date.now(),
      now: Date.now(),
      versions: {},
      faults: [],
    }),
  };
  const joined = await joinMain(options, Date.now() + 20_000, AbortSignal.timeout(20_000));
  if (joined.kind === 'in') {
    joined.session.connection.send({ t: 'ready' });
    if (also !== undefined) joined.session.connection.send(also);
  }
  return joined.kind;
}
