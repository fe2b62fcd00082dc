import { fileURLToPath } from 'node:url';
import type { NodeExit, NodeSpec, RunningNode, StartNode } from '../../../local/aws/batch/node-start.ts';
import { containerEnvironment, containerLog } from '../../../local/nodes/node-container.ts';
import type { KindOfNodes, Nodes, NodesSettings } from '../../../local/nodes/nodes.ts';
import { JOIN_PORT, SSH_PORT } from '../../../local/system/deployment.ts';
import type { Caller } from './caller.ts';
import { asCaller } from './caller.ts';
import type { Cluster } from './cluster.ts';
import type { Machine } from './machine/machine.ts';
import { SHARED_MOUNT } from './machine/machine.ts';
import type { NodeImage } from './machine/node-image.ts';
import { entryOf } from './machine/node-image.ts';

const INIT = fileURLToPath(new URL('./machine/container-init.pl', import.meta.url));
const RUNNER = fileURLToPath(new URL('../../../container/main.ts', import.meta.url));
const MAX_PROCESSES = 4096;
const MACHINE_SSH_PORT = 22;
/** AWS takes minutes to notice that a host is gone; a job whose node 0 is gone goes on that long. */
const LOSS_NOTICED_MS = 45_000;

/** Nodes as machines of their own, for the local system. @param caller whom runner and tasks run as; root when left out */
export function machinesOf(cluster: Cluster, caller?: Caller): KindOfNodes {
  const { image, door } = cluster;
  return {
    make: (settings) => new ClusterNodes(cluster, settings, caller),
    // An ordinary user, as an image has one, may not listen on 22.
    sshPort: image === undefined && caller === undefined ? MACHINE_SSH_PORT : SSH_PORT,
    joinPort: JOIN_PORT,
    ...(image === undefined ? {} : { imageEnvironment: image.environment }),
    sharedFolder: SHARED_MOUNT,
    door,
  };
}

/** A node of a job on a machine of the cluster. */
interface ClusterNode extends RunningNode {
  machine: Machine;
  spec: NodeSpec;
}

/** Nodes as containers on the machines of a cluster, started as AWS Batch starts them. */
class ClusterNodes implements Nodes {
  readonly #cluster: Cluster;
  readonly #settings: NodesSettings;
  readonly #caller: Caller | undefined;
  /** By the machine's number. */
  readonly #nodes = new Map<number, ClusterNode>();
  readonly #taken = new Set<number>();

  constructor(cluster: Cluster, settings: NodesSettings, caller: Caller | undefined) {
    this.#cluster = cluster;
    this.#caller = caller;
    this.#settings = settings;
  }

  readonly start: StartNode = async (spec) => {
    const index = this.#free(spec.index);
    this.#taken.add(index);
    try {
      const machine = await this.#cluster.machine(index);
      const node = this.#startContainer(spec, machine);
      this.#nodes.set(index, node);
      void node.exited.then(() => {
        this.#nodes.delete(index);
        this.#taken.delete(index);
      });
      return node;
    } catch (error) {
      this.#taken.delete(index);
      throw error;
    }
  };

  /** The nodes that run now. */
  running(): ClusterNode[] {
    return [...this.#nodes.values()];
  }

  killAll(): void {
    for (const node of this.#nodes.values()) node.kill();
  }

  async killNode(name: string): Promise<void> {
    await this.running()
      .find(({ spec }) => nameOf(spec) === name)
      ?.machine.lose();
  }

  /** A node's own number where that machine is free; a container has the whole network of its machine to itself. */
  #free(wanted: number): number {
    const all = Array.from({ length: this.#cluster.size }, (_, index) => index);
    const index = [wanted, ...all].find((one) => one < all.length && !this.#taken.has(one));
    if (index === undefined) throw new NoFreeMachine(`all ${all.length} nodes of the cluster are taken`);
    return index;
  }

  #startContainer(spec: NodeSpec, machine: Machine): ClusterNode {
    const { address, cgroup } = machine.settings;
    const log = containerLog(this.#settings, spec);
    cgroup.limit(spec.memoryMiB, MAX_PROCESSES);
    const killsBefore = cgroup.memoryKills();
    const child = machine.spawnContainer(
      ['perl', INIT, ...(this.#caller ? asCaller(this.#caller) : []), ...runnerOf(this.#cluster.image)],
      { ...containerEnvironment(this.#settings, spec, address), ...homeOf(this.#caller) },
    );
    const { stdin } = child;
    stdin?.on('error', () => undefined); // The container's end tells more than its pipe.
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    const exited = new Promise<NodeExit>((resolve) => {
      child.once('error', (error) => resolve({ reason: `CannotStartContainerError: ${error.message}` }));
      child.once('close', (code) => {
        log.end();
        if (!machine.isUp || code === null) {
          const lost = { statusReason: `Host EC2 (instance i-${spec.index}) terminated.` };
          if (spec.isMain) setTimeout(resolve, LOSS_NOTICED_MS, lost);
          else resolve(lost);
        } else if (code === 137 && cgroup.memoryKills() > killsBefore)
          resolve({ exitCode: code, reason: 'OutOfMemoryError: Container killed due to memory usage' });
        else resolve({ exitCode: code });
      });
    });
    return {
      spec,
      machine,
      address,
      exited,
      terminate: () => {
        stdin?.write('TERM\n');
      },
      kill: () => {
        // Process 1 of the container ends with its stdin, and everything in it; not even that reaches a frozen one.
        machine.thaw();
        stdin?.destroy();
      },
    };
  }
}

/** More nodes were asked for than the cluster has. */
class NoFreeMachine extends Error {
  override readonly name = 'NoFreeMachine';
}

/** The image's entry, or the runner of this checkout. */
function runnerOf(image: NodeImage | undefined): string[] {
  return image === undefined ? [process.execPath, RUNNER] : ['--own-processes', ...entryOf(image)];
}

function homeOf(caller: Caller | undefined): Record<string, string> {
  return caller === undefined ? {} : { HOME: caller.home, USER: caller.name, LOGNAME: caller.name };
}

function nameOf({ jobId, attempt, index }: NodeSpec): string {
  return `${jobId}-${attempt}-${index}`;
}
