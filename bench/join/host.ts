// Node 0 of a run with many workers: its join port, roster and keys, as in a job. No worker has an sshd here, so none is opened.
//
//   node bench/join/host.ts WORKERS
//
// Prints a JoinPlace, then a HostReport once all have joined; ends with its stdin.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '../../container/join/cluster.ts';
import { ThisNode } from '../../container/node/node.ts';
import type { RunnerConfig } from '../../container/process/environment.ts';
import { live } from '../../container/process/live.ts';
import { makeNodeLog } from '../../container/process/log.ts';
import { Termination } from '../../container/process/termination.ts';
import { attemptOf } from '../../test/fixtures/attempt-of.ts';
import { aPlan } from '../../test/fixtures/records.ts';

/** Where workers find node 0. */
export interface JoinPlace {
  config: RunnerConfig;
  mainAddress: string;
}

export interface HostReport {
  /** Milliseconds since the epoch. */
  allAt: number;
  peakMiB: number;
}

const JOIN_WITHIN_SECONDS = 60;

const workers = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), 'sbw-'));
const shared = join(folder, 'shared');
mkdirSync(shared);
const context = live();
const config: RunnerConfig = {
  bucket: 'none',
  runId: 'bench-0123456789a',
  shared,
  joinPort: 7741,
  sshPort: 22_733,
  jobId: `bench-${process.pid}`,
  attempt: 1,
  index: 0,
  mainIndex: 0,
  nodes: workers + 1,
  inContainer: false,
  progressSeconds: 10,
  stopSeconds: 30,
  variables: { PATH: process.env.PATH ?? '' },
};
const nodeLog = makeNodeLog(0, () => undefined);
const start = { context, config, nodeLog, termination: new Termination(), startedAt: Date.now() };
const node = await ThisNode.open(start);
await node.lookAround();
// Three bytes of loopback addresses that hardly anybody else has.
node.address = `127.${201 + (process.pid % 50)}.${Math.floor(process.pid / 50) % 200}.2`;
// Of SIERRA, whose nodes are known to ssh when they join, and connected to when SIERRA asks.
const plan = aPlan({
  runId: config.runId,
  folder: config.runId,
  cluster: { nodes: config.nodes, vcpus: 2, memoryMiB: 512 },
  minNodes: config.nodes,
  work: { kind: 'sierra', args: [], pipeline: [1, 2], onFailedRuns: 'process' },
  timeouts: { queueSeconds: 60, joinSeconds: JOIN_WITHIN_SECONDS, runSeconds: 600 },
});
const attempt = attemptOf(start, node, plan);
const cluster = await Cluster.open(attempt);
process.stdin.resume().once('end', () => void close());
const place: JoinPlace = { config, mainAddress: node.address };
console.log(JSON.stringify(place));
await cluster.gathered();
const { reason } = attempt.ending;
if (reason !== undefined) {
  console.error('not every worker joined:', JSON.stringify(reason));
  process.exitCode = 1;
  await close();
} else {
  const report: HostReport = {
    allAt: Date.now(),
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
  console.log(JSON.stringify(report));
}

async function close(): Promise<void> {
  await node.closers.closeAll();
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}
