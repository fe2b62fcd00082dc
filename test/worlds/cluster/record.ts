import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freeze, processesIn, removeGroups } from './machine/cgroups.ts';
import type { ProcessId } from './machine/processes.ts';
import { isAlive, signal } from './machine/processes.ts';

/** Everything of a cluster that would outlive its owner: written before it is made. */
export interface ClusterRecord {
  id: string;
  /** Who uses the cluster. */
  owner: ProcessId;
  /** Who cleans up after the owner. */
  keeper?: ProcessId;
  /** Process 1 of each machine. */
  machines: readonly ProcessId[];
  groups: readonly string[];
}

/** One folder a cluster, root's own. */
const CLUSTERS = '/run/sierra-batch';
const RECORD = 'record.json';
const GONE_WITHIN_MS = 10_000;

export function clusterFolder(id: string): string {
  return join(CLUSTERS, id);
}

export function writeRecord(record: ClusterRecord): void {
  const folder = clusterFolder(record.id);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, `${RECORD}.new`), JSON.stringify(record));
  renameSync(join(folder, `${RECORD}.new`), join(folder, RECORD));
}

/** undefined when the cluster is gone. */
function readRecord(id: string): ClusterRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(clusterFolder(id), RECORD), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Those that a process uses; none where it has none. */
export function clustersOf(owner: number): string[] {
  return (existsSync(CLUSTERS) ? readdirSync(CLUSTERS) : []).filter(
    (id) => readRecord(id)?.owner.pid === owner,
  );
}

/** Ends and removes what is left of a cluster; may be repeated. @throws StillThere */
export async function removeCluster(id: string): Promise<void> {
  const record = readRecord(id);
  const { machines = [], groups = [] } = record ?? {};
  const deadline = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    freeze(groups, false);
    // Process 1 of a machine takes the whole machine with it; the rest is what never became one.
    for (const machine of machines) if (isAlive(machine)) signal(machine.pid, 'SIGKILL');
    for (const pid of processesIn(groups)) signal(pid, 'SIGKILL');
    const left = [...machines.filter(isAlive).map(({ pid }) => pid), ...processesIn(groups)];
    if (left.length === 0) break;
    if (performance.now() > deadline)
      throw new StillThere(`processes ${left.join(', ')} of ${id} do not die`);
    await delay(10);
  }
  await removeGroupsWithin(groups, deadline);
  rmSync(clusterFolder(id), { recursive: true, force: true });
  try {
    rmdirSync(CLUSTERS);
  } catch {
    // Other clusters are there.
  }
}

/** Removes clusters whose owner and keeper have both died, killed with -9 for instance. Answers their ids. */
export async function removeDeadClusters(): Promise<string[]> {
  const removed: string[] = [];
  for (const id of existsSync(CLUSTERS) ? readdirSync(CLUSTERS) : []) {
    const record = readRecord(id);
    if (record === undefined || isAlive(record.owner)) continue;
    if (record.keeper !== undefined) await untilDead(record.keeper);
    await removeCluster(id);
    removed.push(id);
  }
  return removed;
}

/** Something of a cluster cannot be removed. */
class StillThere extends Error {
  override readonly name = 'StillThere';
}

/** A cgroup stays busy for a moment after its last process. */
async function removeGroupsWithin(groups: readonly string[], deadline: number): Promise<void> {
  for (;;) {
    try {
      removeGroups(groups);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw new StillThere(`cgroups cannot be removed: ${String(error)}`);
    }
    await delay(10);
  }
}

/** The keeper of a dead owner is cleaning up. */
async function untilDead(keeper: ProcessId): Promise<void> {
  const deadline = performance.now() + GONE_WITHIN_MS;
  while (isAlive(keeper) && performance.now() < deadline) await delay(20);
}
