import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeExit, NodeSpec, RunningNode, StartNode } from '../aws/batch/node-start.ts';
import { ownFiles } from '../util/list-own-files.ts';
import type { ReservedAddresses } from './addresses.ts';
import { reserveAddresses } from './addresses.ts';
import { containerEnvironment, containerLog } from './node-container.ts';
import { killNode, LOCAL_NODE_MARKER } from './node-processes.ts';
import type { Nodes, NodesSettings } from './nodes.ts';

/**
 * Nodes as processes of this machine: each runs the real runner with its own loopback address, sshd, temporary folder and
 * process group. They end with the local system, however that ends.
 */
export class ProcessNodes implements Nodes {
  readonly #settings: NodesSettings;
  /** By job and attempt. */
  readonly #addresses = new Map<string, { reserved: Promise<ReservedAddresses>; users: number }>();
  readonly #nodes = new Set<RunningNode>();

  constructor(settings: NodesSettings) {
    this.#settings = settings;
  }

  readonly start: StartNode = async (spec) => {
    const key = `${spec.jobId}-${spec.attempt}`;
    const entry = this.#addresses.get(key) ?? {
      reserved: reserveAddresses(spec.numNodes, [this.#settings.sshPort, this.#settings.joinPort]),
      users: 0,
    };
    entry.users += 1;
    this.#addresses.set(key, entry);
    const { addresses, release } = await entry.reserved;
    const node = this.#spawn(spec, addresses[spec.index] ?? '');
    this.#nodes.add(node);
    void node.exited.then(async () => {
      this.#nodes.delete(node);
      entry.users -= 1;
      if (entry.users > 0) return;
      this.#addresses.delete(key);
      await release();
    });
    return node;
  };

  readonly killNode = killNode;

  killAll(): void {
    for (const node of this.#nodes) node.kill();
  }

  #spawn(spec: NodeSpec, address: string): RunningNode {
    const name = `${spec.jobId}-${spec.attempt}-${spec.index}`;
    const folder = mkdtempSync(join(temporaryFiles(), 'sb-'));
    const log = containerLog(this.#settings, spec);
    const child = spawn('perl', [ownFiles.keeper, process.execPath, ...ownFiles.runner], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: folder,
      env: {
        ...containerEnvironment(this.#settings, spec, address),
        TMPDIR: folder,
        [LOCAL_NODE_MARKER]: name,
      },
    });
    child.stdin.on('error', () => undefined); // The keeper's end tells more than its pipe.
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const exited = once(child, 'exit').then(
      ([code, signal]): NodeExit => ({
        exitCode: typeof code === 'number' ? code : signal === 'SIGKILL' ? 137 : 143,
      }),
      (error: unknown): NodeExit => ({ reason: `CannotStartContainerError: ${String(error)}` }),
    );
    const cleaned = exited.then(async (exit) => {
      // A container's processes end with it; here they have to be ended.
      await killNode(name);
      log.end();
      rmSync(folder, { recursive: true, force: true });
      return exit;
    });
    return {
      address,
      exited: cleaned,
      terminate: () => {
        child.kill('SIGTERM');
      },
      kill: () => {
        killNode(name).catch((error: unknown) => log.write(`${String(error)}\n`));
      },
    };
  }
}

/** The path of a control socket has at most 107 bytes, and the 63 last ones are ours and ssh's: clusters set longer TMPDIRs. */
function temporaryFiles(): string {
  const theirs = tmpdir();
  return Buffer.byteLength(theirs) > 44 ? '/tmp' : theirs;
}
