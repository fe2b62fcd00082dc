import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FanoutScheme } from '../../experiment/plan/plan.ts';
import type { CheckFault } from '../../experiment/records/progress.ts';
import type { RunnerConfig } from '../process/environment.ts';
import { nodeMarker } from '../process/environment.ts';
import type { RunnerContext } from '../process/live.ts';
import type { NodeLog } from '../process/log.ts';
import type { Termination } from '../process/termination.ts';
import type { Sshd } from '../ssh/daemon.ts';
import { startSshd } from '../ssh/daemon.ts';
import { sessionEnvironment, sshdFiles } from '../ssh/daemon-config.ts';
import { makeSshKey } from '../ssh/key-pair.ts';
import { ownAddress } from './address.ts';
import type { NodeChecks } from './checks.ts';
import { checkNode } from './checks.ts';
import { Closers } from './cleanup.ts';
import { TaskProcesses } from './task-processes.ts';

/** What the entry hands to a node. */
export interface NodeStart {
  context: RunnerContext;
  config: RunnerConfig;
  nodeLog: NodeLog;
  termination: Termination;
  startedAt: number;
}

/** A node that knows itself, main or worker: its address, its checks, its host key, its processes. */
export class ThisNode {
  readonly start: NodeStart;
  readonly closers: Closers;
  readonly folder: string;
  readonly tasks: TaskProcesses;
  address = '';
  hostKey = '';
  checks: NodeChecks = { faults: [], versions: {}, cpus: 1, sshd: '' };
  #sshd: Sshd | undefined;

  /** Makes the private folder; everything secret of this node lies in it. */
  static async open(start: NodeStart): Promise<ThisNode> {
    return new ThisNode(start, await mkdtemp(join(tmpdir(), 'sierra-batch-')));
  }

  private constructor(start: NodeStart, folder: string) {
    const { config, context, nodeLog } = start;
    this.start = start;
    this.folder = folder;
    this.closers = new Closers(context.clock, nodeLog.log);
    this.closers.add('private folder', () => rm(folder, { recursive: true, force: true }));
    this.tasks = new TaskProcesses(nodeMarker(config), () => this.#sshd?.pid(), context.clock);
  }

  /** Address, checks and host key at once. Answers every fault. */
  async lookAround(): Promise<CheckFault[]> {
    const { config, context } = this.start;
    const [address, checks, key] = await Promise.all([
      ownAddress(config),
      checkNode(config, context.user),
      makeSshKey(sshdFiles(this.folder).hostKey).catch((error: unknown) => error),
    ]);
    const faults = [...checks.faults];
    const fault = (check: string, what: string, todo: string) =>
      faults.push({ node: config.index, check, what, todo });
    if (address.ok) this.address = address.address;
    else fault('no-address', address.what, address.todo);
    if (typeof key === 'object' && key !== null && 'publicKey' in key) this.hostKey = String(key.publicKey);
    else fault('no-host-key', String(key), 'install openssh-client in the image');
    this.checks = { ...checks, faults };
    return faults;
  }

  /** This node's sshd for this attempt; its sessions start with this node's own variables. @throws SshdFailed */
  async openSshd(clientKey: string, mainAddress: string, fanout: FanoutScheme): Promise<void> {
    const { config, context, nodeLog } = this.start;
    const sshd = await startSshd({
      folder: this.folder,
      address: this.address,
      port: config.sshPort,
      user: context.user.name ?? '',
      fanout,
      sessionEnvironment: sessionEnvironment(config, this.folder),
      binary: this.checks.sshd,
      clientKey,
      mainAddress,
      isRoot: context.user.uid === 0,
      clock: context.clock,
      log: nodeLog.log,
    });
    this.#sshd = sshd;
    nodeLog.log('Sshd:Up', { address: this.address, port: config.sshPort });
    this.closers.add('sshd', async () => {
      await this.tasks.end(1000);
      await sshd.stop();
      await this.tasks.end(0);
    });
  }

  /** Ends what is left of the tasks and starts sshd anew; false when something would not die or sshd did not come up. */
  async restartSshd(): Promise<boolean> {
    const { log } = this.start.nodeLog;
    const left = await this.tasks.end(2000);
    try {
      await this.#sshd?.restart();
    } catch (error) {
      log('Sshd:NotRestarted', { why: String(error) });
      return false;
    }
    log('Sshd:Restarted', { left });
    return left === 0;
  }
}
