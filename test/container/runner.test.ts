import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseLoad } from '../../experiment/records/load.ts';
import { parseJoblog } from '../../experiment/results/joblog.ts';
import type { LoopbackCluster } from '../support/loopback-cluster.ts';
import { loopbackCluster, USERS } from '../support/loopback-cluster.ts';

let cluster: LoopbackCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

/** A task is so short that one node could do all of them before another is connected. */
const UNTIL_TWO_NODES =
  'touch "here-$AWS_BATCH_JOB_NODE_INDEX"; until [ "$(ls -d here-* | wc -l)" -gt 1 ]; do sleep 0.05; done';

describe.each(USERS)('four nodes as user $user', ({ user, cannot }) => {
  it.skipIf(cannot)(
    'run every command once, record it, and leave nothing behind',
    { timeout: 90_000 },
    async () => {
      // What crashes leaves no memory beside its results, although whoever started the nodes asks for it.
      spawnSync('prlimit', ['--pid', String(process.pid), '--core=unlimited:']);
      const commands = Array.from(
        { length: 24 },
        (_, index) => `${UNTIL_TWO_NODES}; echo task ${index + 1}; [ "$(ulimit -S -c)" = 0 ]`,
      );
      cluster = await loopbackCluster(commands, {}, user);
      const nodes = cluster.startAll();
      const codes = await Promise.all(nodes.map((node) => node.exited));
      expect(codes, nodes.map((node) => node.output()).join('\n')).toEqual([0, 0, 0, 0]);
      const rows = parseJoblog((await cluster.text(runKeys(cluster.runId).joblog)) ?? '');
      expect(rows.map((row) => row.seq).sort((a, b) => a - b)).toEqual(commands.map((_, index) => index + 1));
      expect(new Set(rows.map((row) => row.host)).size).toBeGreaterThan(1);
      const progress = await cluster.progress();
      expect(progress).toMatchObject({ phase: 'done', exitCode: 0, reason: { kind: 'succeeded' } });
      expect(progress.tasks).toMatchObject({ total: 24, succeeded: 24, failed: 0, running: 0 });
      expect((await cluster.nodes()).map((node) => node.state)).toEqual(Array(4).fill('released'));
      const load = parseLoad(await cluster.text(runKeys(cluster.runId).load));
      expect(load?.nodes.map(({ node, disk }) => [node, disk.length > 0])).toEqual(
        [0, 1, 2, 3].map((index) => [index, true]),
      );
      expect(cluster.leftovers()).toEqual([]);
    },
  );
});
