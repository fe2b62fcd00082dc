import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, realpathSync } from 'node:fs';
import { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { CgroupKind } from './machine/cgroups.ts';
import { Cgroup, cgroupKind, clusterGroups, machineFolders, makeClusterGroups } from './machine/cgroups.ts';
import { Machine } from './machine/machine.ts';
import type { NodeImage } from './machine/node-image.ts';
import type { ProcessId } from './machine/processes.ts';
import { identify } from './machine/processes.ts';
import type { ClusterRecord } from './record.ts';
import { clusterFolder, removeCluster, removeDeadClusters, writeRecord } from './record.ts';

/** Where nodes find this process: a socket that listens on the bridge's address and nowhere else. */
export interface Door {
  server: Server;
  address: string;
  port: number;
}

/** Machines need root and the right to make namespaces. */
export class NeedsRoot extends Error {
  override readonly name = 'NeedsRoot';
}

const KEEPER = fileURLToPath(new URL('./keeper.ts', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const GATEWAY = '10.0.1.1';
const BITS = 24;
const FIRST_ADDRESS = 10;
const MAX_MACHINES = 16;
const KEEPER_WITHIN_MS = 15_000;

/**
 * Machines on this machine: each a set of namespaces with an address on a bridge that lies in a namespace of its own, so
 * nothing of it is reachable from outside and several clusters use the same addresses.
 */
export class Cluster {
  readonly door: Door;
  readonly limits: CgroupKind;
  /** What nodes run in; without it they run this checkout on this machine's own files. */
  readonly image: NodeImage | undefined;
  readonly #keeper: ChildProcess;
  readonly #machines: (Machine | undefined)[];
  readonly #starting = new Map<number, Promise<Machine>>();
  readonly #shared: string;
  #record: ClusterRecord;

  /**
   * Brings `nodes` machines up; removes first what killed owners left.
   * @param shared the folder that every machine gets as shared storage. @throws NeedsRoot, MachineFailed
   */
  static async open(nodes: number, shared: string, image?: NodeImage): Promise<Cluster> {
    if (process.getuid?.() !== 0)
      throw new NeedsRoot('nodes as machines of their own need root: network, mount and process namespaces');
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > MAX_MACHINES)
      throw new RangeError(`a cluster has 1 to ${MAX_MACHINES} nodes`);
    await removeDeadClusters();
    const owner = identify(process.pid);
    if (owner === undefined) throw new Error('/proc does not show this process');
    const id = randomBytes(4).toString('hex');
    const limits = cgroupKind();
    const record: ClusterRecord = { id, owner, machines: [], groups: clusterGroups(limits, id) };
    writeRecord(record);
    let cluster: Cluster | undefined;
    try {
      makeClusterGroups(limits, record.groups);
      mkdirSync(join(clusterFolder(id), 'stage'));
      const { keeper, door } = await openKeeper(id);
      cluster = new Cluster(record, limits, keeper, door, nodes, shared, image);
      await Promise.all(Array.from({ length: nodes }, (_, index) => cluster?.machine(index)));
      return cluster;
    } catch (error) {
      if (cluster === undefined) await removeCluster(id);
      else await cluster.close();
      throw error;
    }
  }

  private constructor(
    record: ClusterRecord,
    limits: CgroupKind,
    keeper: ChildProcess,
    door: Door,
    nodes: number,
    shared: string,
    image: NodeImage | undefined,
  ) {
    this.limits = limits;
    this.image = image;
    this.door = door;
    this.#keeper = keeper;
    this.#shared = realpathSync(shared);
    this.#machines = Array.from({ length: nodes }, () => undefined);
    const keeperId = identify(keeper.pid ?? 0);
    this.#record = keeperId === undefined ? record : { ...record, keeper: keeperId };
    writeRecord(this.#record);
  }

  get id(): string {
    return this.#record.id;
  }

  get size(): number {
    return this.#machines.length;
  }

  /** The machines that are up. */
  get machines(): readonly Machine[] {
    return this.#machines
      .filter((machine) => machine?.isUp === true)
      .filter((machine) => machine !== undefined);
  }

  /** The machine with this number; one that was lost is replaced, as a compute environment does. @throws MachineFailed */
  async machine(index: number): Promise<Machine> {
    const there = this.#machines[index];
    if (there?.isUp === true) return there;
    const starting = this.#starting.get(index) ?? this.#start(index);
    this.#starting.set(index, starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(index);
    }
  }

  /** A process in whose network namespace the bridge is. */
  get bridge(): number {
    return this.#keeper.pid ?? 0;
  }

  /** Ends every machine and removes everything; the keeper does it, as it would had this process been killed. */
  async close(): Promise<void> {
    this.door.server.close();
    const ended = this.#keeper.exitCode === null ? once(this.#keeper, 'exit') : Promise.resolve([]);
    if (this.#keeper.connected) this.#keeper.disconnect();
    const over = new AbortController();
    const late = delay(KEEPER_WITHIN_MS, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([ended, late]);
    over.abort();
    // Whatever became of the keeper, nothing may be left.
    await removeCluster(this.#record.id);
    await Promise.all(this.#machines.map((machine) => machine?.gone));
  }

  async #start(index: number): Promise<Machine> {
    const { id, groups } = this.#record;
    const machine = await Machine.start(
      {
        index,
        address: `10.0.1.${FIRST_ADDRESS + index}`,
        gateway: GATEWAY,
        bits: BITS,
        keeper: this.bridge,
        stage: join(clusterFolder(id), 'stage'),
        shared: this.#shared,
        kept: [
          ...new Set([REPOSITORY, process.execPath, ...this.#imageRoots].map((path) => keptFolder(path))),
        ],
        cgroup: new Cgroup(this.limits.version, machineFolders(groups, String(index))),
      },
      (init) => this.#remember(init),
    );
    this.#machines[index] = machine;
    return machine;
  }

  get #imageRoots(): string[] {
    return this.image === undefined ? [] : [this.image.root];
  }

  #remember(init: ProcessId): void {
    this.#record = { ...this.#record, machines: [...this.#record.machines, init] };
    writeRecord(this.#record);
  }
}

function keptFolder(path: string): string {
  return path === process.execPath ? join(realpathSync(path), '..') : realpathSync(path);
}

async function openKeeper(id: string): Promise<{ keeper: ChildProcess; door: Door }> {
  const keeper = spawn('unshare', ['--net', process.execPath, KEEPER, id, `${GATEWAY}/${BITS}`], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  let said = '';
  keeper.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const opened = new Promise<Door>((resolve, reject) => {
    keeper.once('message', (message, handle) => {
      const port = portIn(message);
      if (handle instanceof Server && port !== undefined) resolve({ server: handle, address: GATEWAY, port });
      else reject(new NeedsRoot('the keeper of the cluster opened no door'));
    });
    keeper.once('error', (error) => reject(new NeedsRoot(`unshare: ${error.message}`)));
    keeper.once('close', (code) =>
      reject(new NeedsRoot(`network namespaces cannot be made here (${code}): ${said.trim()}`)),
    );
  });
  return { keeper, door: await opened };
}

function portIn(message: unknown): number | undefined {
  return typeof message === 'object' &&
    message !== null &&
    'port' in message &&
    typeof message.port === 'number'
    ? message.port
    : undefined;
}
