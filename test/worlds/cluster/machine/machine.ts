import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Cgroup } from './cgroups.ts';
import { commandIn } from './command-in.ts';
import type { ProcessId } from './processes.ts';
import { childrenOf, identify, isAlive, signal } from './processes.ts';

export interface MachineSettings {
  index: number;
  address: string;
  /** The bridge's own address and its network's length in bits. */
  gateway: string;
  bits: number;
  /** The process in whose network namespace the bridge is. */
  keeper: number;
  /** An empty folder, in which each machine builds its mounts. */
  stage: string;
  /** Mounted as shared storage. */
  shared: string;
  /** Folders that stay visible although /tmp, /mnt and /run are the machine's own. */
  kept: readonly string[];
  cgroup: Cgroup;
}

const SCRIPT = fileURLToPath(new URL('./machine.sh', import.meta.url));
const UP_WITHIN_MS = 10_000;
/** Enters the cgroups named before `--`, then becomes what follows. */
const ENTER = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';

/** Where shared storage is mounted in every machine. */
export const SHARED_MOUNT = '/mnt/efs';

/** A machine that did not come up: says what it wrote. */
export class MachineFailed extends Error {
  override readonly name = 'MachineFailed';
}

/**
 * One machine of a cluster, as an EC2 instance of a compute environment: network, host name, mounts, /tmp and processes of
 * its own, and everything that happens to such a machine.
 */
export class Machine {
  readonly settings: MachineSettings;
  readonly #child: ChildProcess;
  /** Process 1 of the machine, as the outside sees it. */
  readonly init: ProcessId;
  readonly gone: Promise<void>;

  /** @param onInit told who process 1 is before anything depends on it. @throws MachineFailed */
  static async start(settings: MachineSettings, onInit: (init: ProcessId) => void): Promise<Machine> {
    const { index, stage, shared, kept, cgroup } = settings;
    const child = spawn(
      'bash',
      [
        ...['-c', ENTER, 'enter', ...cgroup.folders, '--'],
        ...['unshare', '--net', '--uts', '--ipc', '--mount', '--pid', '--fork', '--kill-child'],
        ...['bash', SCRIPT, `node-${index}`, stage, shared, cgroup.memoryFolder ?? '-', ...kept],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true },
    );
    child.stdin.on('error', () => undefined); // Its end tells more than its pipe.
    try {
      await untilUp(child);
      const init = identify(childrenOf(child.pid ?? 0)[0] ?? 0);
      if (init === undefined) throw new MachineFailed(`node-${index} ended at once`);
      onInit(init);
      const machine = new Machine(settings, child, init);
      await machine.#plug();
      return machine;
    } catch (error) {
      child.stdin.destroy();
      child.kill('SIGKILL');
      throw error;
    }
  }

  private constructor(settings: MachineSettings, child: ChildProcess, init: ProcessId) {
    this.settings = settings;
    this.#child = child;
    this.init = init;
    this.gone = once(child, 'exit').then(() => undefined);
  }

  get isUp(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** What a person types to get a shell in it. */
  get shell(): string {
    return `nsenter --target ${this.init.pid} --all --wd=/ bash`;
  }

  /** The arguments of `nsenter` that lead into the machine. */
  get entry(): string[] {
    return ['--target', String(this.init.pid), '--net', '--uts', '--ipc', '--mount', '--pid', '--wd=/'];
  }

  /** Runs a command in it as a process of its own (no container). @throws CommandFailed */
  run(...command: string[]): Promise<string> {
    return this.runWith('', ...command);
  }

  /** The same for one that reads `input`. @throws CommandFailed */
  runWith(input: string, ...command: string[]): Promise<string> {
    return commandIn(['nsenter', ...this.entry, '--', ...command], input);
  }

  /** Starts a command in its cgroup, in a process tree of its own: a container. Its stdin is its life. */
  spawnContainer(command: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
    return spawn(
      'bash',
      [
        ...['-c', ENTER, 'enter', ...this.settings.cgroup.folders, '--', 'nsenter', ...this.entry, '--'],
        ...['unshare', '--pid', '--mount', '--fork', '--mount-proc', '--kill-child', ...command],
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env },
    );
  }

  /** Every process of the machine, by its number outside. */
  processes(): number[] {
    const found = this.settings.cgroup.processes();
    if (found.length > 0) return found.filter((pid) => identify(pid) !== undefined);
    const queue = [this.init.pid];
    for (let at = 0; at < queue.length; at += 1) queue.push(...childrenOf(queue[at] ?? 0));
    return queue.filter((pid) => identify(pid) !== undefined);
  }

  /** Takes its cable out: nobody is told, no connection is reset. */
  async cut(): Promise<void> {
    await this.#ipAtBridge('link', 'set', this.#port, 'nomaster');
  }

  async mend(): Promise<void> {
    await this.#ipAtBridge('link', 'set', this.#port, 'master', 'br0');
  }

  /** Holds every process still, as a host that hangs. */
  freeze(): void {
    if (this.settings.cgroup.freeze(true)) return;
    for (const pid of this.processes()) signal(pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.settings.cgroup.freeze(false)) return;
    for (const pid of this.processes()) signal(pid, 'SIGCONT');
  }

  /** The loss of the host: everything in it is gone at once, and nobody hears of it. */
  async lose(): Promise<void> {
    await this.cut().catch(() => undefined); // A cable that is out already.
    await this.end();
  }

  /** Ends every process in it. */
  async end(): Promise<void> {
    this.settings.cgroup.freeze(false);
    signal(this.init.pid, 'SIGKILL');
    while (isAlive(this.init)) await delay(5);
    await this.gone;
    // What its sockets had not sent yet holds its network, and the cable with it, for minutes.
    await this.#ipAtBridge('link', 'delete', this.#port).catch(() => undefined); // Mostly gone by itself.
  }

  get #port(): string {
    return `node${this.settings.index}`;
  }

  async #plug(): Promise<void> {
    const { address, bits, gateway } = this.settings;
    await this.#ipAtBridge(
      'link',
      'add',
      this.#port,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      `${this.init.pid}`,
    );
    await this.#ipAtBridge('link', 'set', this.#port, 'master', 'br0', 'up');
    await commandIn(
      ['nsenter', '--target', String(this.init.pid), '--net', 'ip', '-batch', '-'],
      `link set lo up\naddress add ${address}/${bits} dev eth0\nlink set eth0 up\nroute add default via ${gateway}\n`,
    );
  }

  #ipAtBridge(...args: string[]): Promise<string> {
    return commandIn(['nsenter', '--target', String(this.settings.keeper), '--net', 'ip', ...args]);
  }
}

async function untilUp(child: ChildProcess): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const up = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      said += error.message;
      resolve();
    });
  });
  const over = new AbortController();
  const late = delay(UP_WITHIN_MS, 'late' as const, { signal: over.signal }).catch(() => 'late' as const);
  const first = await Promise.race([up.then(() => 'up' as const), ended.then(() => 'ended' as const), late]);
  over.abort();
  if (first !== 'up')
    throw new MachineFailed(`a machine of the cluster did not come up (${first}): ${said.trim()}`);
}
