import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { Bucket } from '../../../../aws/bucket.ts';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../../experiment/layout/run-id.ts';
import type { NodeRecord } from '../../../../experiment/records/nodes.ts';
import type { Progress } from '../../../../experiment/records/progress.ts';
import type { Summary } from '../../../../experiment/records/summary.ts';
import type { JoblogRow } from '../../../../experiment/results/joblog.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { realClock } from '../../../../local/clock/real.ts';
import { startQuietSystem } from '../../../../local/start/quiet-system.ts';
import type { LocalSystem } from '../../../../local/system/system.ts';
import { watchRun } from '../../../../submission/watch-run.ts';
import { readJson, readText } from '../../../../test/aws/read-object.ts';
import { Cluster } from '../cluster.ts';
import { leftOfClusters } from '../left-of-clusters.ts';
import type { Machine } from '../machine/machine.ts';
import type { NodeImage } from '../machine/node-image.ts';
import { machinesOf } from '../nodes.ts';

/** Says when it begins, five times a second that it is there, and when it ends: what ran where, and when. */
const TASK = `#!/bin/bash
say() { echo "$1 $PARALLEL_SEQ $AWS_BATCH_JOB_NODE_INDEX $AWS_BATCH_JOB_ATTEMPT $EPOCHREALTIME" >> /mnt/efs/said; }
say began
for ((tick = 0; tick < $1 * 5; tick++)); do sleep 0.2; say there; done
say ended
exit \${2:-0}
`;

/** A command that takes so many seconds and leaves its traces. */
export const task = (seconds: number, exitval = 0) => `bash /mnt/efs/task.sh ${seconds} ${exitval}`;

/** What a task said of itself. */
export interface Trace {
  what: 'began' | 'there' | 'ended';
  seq: number;
  node: number;
  attempt: number;
  /** Seconds since the epoch. */
  at: number;
}

export interface FaultRunOptions {
  nodes: number;
  /** None where the manifest's `run` has SIERRA. */
  commands?: readonly string[];
  /** More of the manifest; `timeouts.join` is 20 s and `minNodes` all but one, unless it says otherwise. */
  manifest?: Readonly<Record<string, unknown>>;
  /** Shared storage that is already there; otherwise an empty folder. */
  shared?: string;
  /** What the nodes run in; the folder of shared storage becomes its user's. */
  image?: NodeImage;
  /** Before the manifest is dropped. */
  before?(run: FaultRun): Promise<void>;
}

export interface Ended {
  exitCode: number | null;
  summary: Summary;
  progress: Progress;
  nodes: readonly NodeRecord[];
  rows: readonly JoblogRow[];
}

/** A run of the whole system on machines of its own, to which something happens. */
export class FaultRun {
  readonly folder: string;
  readonly cluster: Cluster;
  readonly system: LocalSystem;
  readonly shared: string;
  readonly #ending = new AbortController();
  readonly #mounts: string[][] = [];
  readonly #jobIds: string[] = [];
  runId = '';
  jobId = '';

  static async start(options: FaultRunOptions): Promise<FaultRun> {
    const folder = mkdtempSync(join(tmpdir(), 'sbf-'));
    const shared = options.shared ?? join(folder, 'shared');
    mkdirSync(shared, { recursive: true });
    const { image: nodeImage } = options;
    if (nodeImage !== undefined) {
      const [uid, gid] = nodeImage.user.split(':').map(Number);
      chownSync(shared, uid ?? 0, gid ?? 0);
    }
    const cluster = await Cluster.open(options.nodes, shared, nodeImage);
    const system = await startQuietSystem(folder, { nodes: machinesOf(cluster) });
    const run = new FaultRun(folder, shared, cluster, system);
    try {
      writeFileSync(join(shared, 'task.sh'), TASK);
      await options.before?.(run);
      run.#noteMounts();
      await run.drop(options);
      return run;
    } catch (error) {
      await run.close();
      throw error;
    }
  }

  private constructor(folder: string, shared: string, cluster: Cluster, system: LocalSystem) {
    this.folder = folder;
    this.shared = shared;
    this.cluster = cluster;
    this.system = system;
    this.#noteMounts();
  }

  #noteMounts(): void {
    for (const machine of this.cluster.machines) this.#mounts[machine.settings.index] = mountsOf(machine);
  }

  /** Drops a manifest; the run that it makes is this one's from now on. */
  async drop({ nodes, commands: list, manifest = {} }: FaultRunOptions): Promise<void> {
    const { timeouts = {}, run = {}, ...more } = manifest as { timeouts?: object; run?: object };
    const text = JSON.stringify({
      apiVersion: 'sierra-batch/v1',
      name: 'fault',
      cluster: { nodes, vcpus: 2, memory: '512MiB' },
      run: { ...(list === undefined ? {} : { commands: { list } }), jobsPerNode: 2, fanout: 'pool', ...run },
      minNodes: Math.max(1, nodes - 1),
      timeouts: { join: '20s', run: '10m', ...timeouts },
      ...more,
    });
    const { bucket, s3 } = this.system;
    const key = `manifests/${performance.now()}/fault.json`;
    const { VersionId: version = '' } = await s3.putObject({ Bucket: bucket, Key: key, Body: text });
    this.runId = makeRunId('fault', { bucket, key, version });
    this.jobId = await this.#job();
    this.#jobIds.push(this.jobId);
  }

  machine(index: number): Machine {
    const machine = this.cluster.machines.find(({ settings }) => settings.index === index);
    if (machine === undefined) throw new Error(`there is no machine ${index}`);
    return machine;
  }

  /** What a node wrote. */
  log(index: number, attempt = 1): string {
    const file = join(this.folder, 'logs', this.runId, `attempt-${attempt}-node-${index}.log`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  /** The lines of a node's log that tell this event. */
  events(index: number, name: string, attempt = 1): Record<string, unknown>[] {
    return this.log(index, attempt)
      .split('\n')
      .filter((line) => line.includes(`"event":"${name}"`))
      .map((line) => JSON.parse(line));
  }

  /** Resolves once a node has told an event; answers when it did, in milliseconds since the epoch. */
  async event(index: number, name: string, within = 60_000): Promise<number> {
    await this.until(() => this.events(index, name).length > 0, within, `${name} on node ${index}`);
    return Date.parse(String(this.events(index, name)[0]?.time));
  }

  said(): Trace[] {
    const file = join(this.shared, 'said');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [what, seq, node, attempt, at] = line.split(' ');
        return {
          what,
          seq: Number(seq),
          node: Number(node),
          attempt: Number(attempt),
          at: Number(at),
        } as Trace;
      });
  }

  /** Resolves once a task runs on each of these nodes. */
  async tasksOn(...nodes: number[]): Promise<void> {
    const began = () => new Set(this.said().map(({ node }) => node));
    await this.until(() => nodes.every((node) => began().has(node)), 90_000, `tasks on ${nodes}`);
  }

  async until(holds: () => boolean | Promise<boolean>, ms: number, what: string): Promise<void> {
    for (const deadline = performance.now() + ms; !(await holds()); await realClock.sleep(50))
      if (performance.now() > deadline)
        throw new Error(`${what}: not within ${ms} ms\n${this.log(0).slice(-6000)}`);
  }

  /** Waits until the run has its summary. */
  async ended(within = 240_000): Promise<Ended> {
    const { s3, bucket } = this.system;
    const timer = setTimeout(() => this.#ending.abort(), within);
    const summary = await watchRun(new Bucket(s3, bucket, realClock), this.runId, {
      clock: realClock,
      signal: this.#ending.signal,
    });
    clearTimeout(timer);
    if (summary === undefined) throw new Error(`the run did not end:\n${this.log(0).slice(-6000)}`);
    const keys = runKeys(this.runId);
    return {
      summary,
      exitCode: summary.exitCode,
      progress: (await readJson<Progress>(s3, bucket, keys.progress)) as Progress,
      nodes: (await readJson<NodeRecord[]>(s3, bucket, keys.nodes)) ?? [],
      rows: parseJoblog((await readText(s3, bucket, keys.joblog)) ?? ''),
    };
  }

  /** How a node's container ended, once it has. */
  async exitOf(index: number, within = 60_000): Promise<number | undefined> {
    const look = async () => {
      const { jobs = [] } = await this.system.batch.describeJobs({ jobs: [`${this.jobId}#${index}`] });
      return jobs[0];
    };
    await this.until(async () => (await look())?.stoppedAt !== undefined, within, `the end of node ${index}`);
    return (await look())?.container?.exitCode;
  }

  /** What Batch tells of the jobs of all its runs, by run. */
  async jobs(): Promise<Map<string, object>> {
    const { jobs = [] } = await this.system.batch.describeJobs({ jobs: [...this.#jobIds] });
    return new Map(jobs.map((job) => [job.jobName ?? '', job]));
  }

  /** Nothing is left of the run in the machines that are up. */
  async clean(): Promise<void> {
    // A container is removed a moment after its job's end.
    for (let tries = 0; tries < 40 && this.leftovers().length > 0; tries += 1) await realClock.sleep(100);
    expect(this.leftovers()).toEqual([]);
  }

  /** What is left in the machines that are up and should hold nothing of a run: processes, sockets, mounts, folders, keys. */
  leftovers(): string[] {
    const inMachines = this.cluster.machines.flatMap((machine) => {
      const { index } = machine.settings;
      const processes = machine
        .processes()
        .filter((pid) => pid !== machine.init.pid && commandOf(pid) !== OUTSIDE);
      return [
        ...processes.map((pid) => `node ${index}: process ${pid} ${commandOf(pid)}`),
        ...listenersIn(machine).map((line) => `node ${index}: listener ${line}`),
        ...mountsOf(machine)
          .filter((mount) => this.#mounts[index]?.includes(mount) !== true)
          .map((mount) => `node ${index}: mount ${mount}`),
        ...temporaryIn(machine).map((name) => `node ${index}: /tmp/${name}`),
      ];
    });
    return [...inMachines, ...joinFoldersIn(this.shared).map((path) => `key ${path}`)];
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const machine of this.cluster.machines) machine.thaw();
    await this.system.close();
    await this.cluster.close();
    rmSync(this.folder, { recursive: true, force: true });
    const left = leftOfClusters(this.cluster.id);
    if (left.length > 0) throw new Error(`left of the cluster: ${left.join('; ')}`);
  }

  async #job(): Promise<string> {
    let id: string | undefined;
    await this.until(
      async () => {
        const filters = [{ name: 'JOB_NAME', values: [this.runId] }];
        const { jobSummaryList = [] } = await this.system.batch.listJobs({ jobQueue: 'local', filters });
        id = jobSummaryList[0]?.jobId;
        return id !== undefined;
      },
      30_000,
      'a job',
    );
    return id ?? '';
  }
}

/** The `unshare` that made a machine is in its cgroup, and not in it. */
const OUTSIDE = 'unshare';

function commandOf(pid: number): string {
  try {
    const [name = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    return name === OUTSIDE && args.includes('--net') ? OUTSIDE : `${name} ${args.join(' ')}`.slice(0, 200);
  } catch {
    return '(ended)';
  }
}

function listenersIn(machine: Machine): string[] {
  return readFileSync(`/proc/${machine.init.pid}/net/tcp`, 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === '0A')
    .map(([, local]) => String(local));
}

function mountsOf(machine: Machine): string[] {
  return readFileSync(`/proc/${machine.init.pid}/mounts`, 'latin1').split('\n');
}

function temporaryIn(machine: Machine): string[] {
  return readdirSync(`/proc/${machine.init.pid}/root/tmp`).filter((name) =>
    /^(sierra-batch-|par)/.test(name),
  );
}

function joinFoldersIn(shared: string): string[] {
  const runs = join(shared, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs).flatMap((run) => {
    const folder = join(runs, run, 'join');
    return existsSync(folder) ? readdirSync(folder).map((name) => `${run}/join/${name}`) : [];
  });
}

/** Where measured times are noted, when somebody wants them in one place. */
export function measured(fault: string, what: string, ms: number): void {
  const file = process.env.SIERRA_BATCH_FAULT_TIMES;
  if (file !== undefined) appendFileSync(file, `${fault}\t${what}\t${(ms / 1000).toFixed(1)} s\n`);
}
