import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import { parseJoblog } from '../../experiment/results/joblog.ts';
import { realClock } from '../../local/clock/real.ts';
import { startQuietSystem } from '../../local/start/quiet-system.ts';
import type { LocalSystem } from '../../local/system/system.ts';
import { watchRun } from '../../submission/watch-run.ts';
import { readText } from '../../test/aws/read-object.ts';
import { Cluster } from '../../test/worlds/cluster/cluster.ts';
import { machinesOf } from '../../test/worlds/cluster/nodes.ts';

export interface JoinTime {
  nodes: number;
  /** Namespaces with port 22 where there is root, else processes on loopback addresses. */
  kind: 'machines' | 'processes';
  /** From the last node's sshd that answers to the start of the first task. */
  seconds: number;
}

const RUN_WITHIN_MS = 180_000;

/** Drops a manifest into the whole system and reads from logs and joblog when it could begin and when it did. */
export async function joinTime(nodes: number): Promise<JoinTime> {
  const folder = mkdtempSync(join(tmpdir(), 'sbj-'));
  const shared = join(folder, 'shared');
  mkdirSync(shared);
  const isRoot = process.getuid?.() === 0;
  const cluster = isRoot ? await Cluster.open(nodes, shared) : undefined;
  try {
    const system = await startQuietSystem(
      folder,
      cluster === undefined ? {} : { nodes: machinesOf(cluster) },
    );
    try {
      const seconds = await measure(system, folder, nodes);
      return { nodes, kind: isRoot ? 'machines' : 'processes', seconds };
    } finally {
      await system.close();
    }
  } finally {
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure({ s3, bucket }: LocalSystem, folder: string, nodes: number): Promise<number> {
  const manifest = {
    apiVersion: 'sierra-batch/v1',
    name: 'join',
    cluster: { nodes, vcpus: 2, memory: '512MiB' },
    run: { commands: { list: Array.from({ length: 2 * nodes }, (_, index) => `true ${index}`) } },
    timeouts: { join: '60s', run: '2m' },
  };
  const key = 'manifests/join.json';
  const put = s3.putObject({ Bucket: bucket, Key: key, Body: JSON.stringify(manifest) });
  const { VersionId: version = '' } = await put;
  const runId = makeRunId('join', { bucket, key, version });
  const summary = await watchRun(new Bucket(s3, bucket, realClock), runId, {
    clock: realClock,
    signal: AbortSignal.timeout(RUN_WITHIN_MS),
  });
  if (summary?.exitCode !== 0) throw new Error(`the run of ${nodes} nodes did not succeed: ${summary?.why}`);
  const ups = Array.from({ length: nodes }, (_, index) =>
    sshdUp(join(folder, 'logs', runId, `attempt-1-node-${index}.log`)),
  );
  const rows = parseJoblog((await readText(s3, bucket, runKeys(runId).joblog)) ?? '');
  return Math.min(...rows.map(({ startTime }) => startTime)) - Math.max(...ups) / 1000;
}

/** Milliseconds since the epoch. */
function sshdUp(log: string): number {
  const line = readFileSync(log, 'utf8')
    .split('\n')
    .find((text) => text.includes('"event":"Sshd:Up"'));
  const told: { time?: string } = JSON.parse(line ?? '{}');
  if (told.time === undefined) throw new Error(`${log} does not say when sshd was up`);
  return Date.parse(told.time);
}
