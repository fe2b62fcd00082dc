import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { succeeded } from '../../../experiment/results/joblog.ts';
import type { Clock } from '../../../experiment/util/clock.ts';
import { within } from '../../../experiment/util/timers.ts';
import { findOnPath } from '../../util/find-on-path.ts';
import type {
  FanoutHooks,
  FanoutNode,
  FanoutRequest,
  FanoutResult,
  RunningFanout,
  StartFanout,
} from '../fan-out.ts';
import { renderNodefile } from '../nodefile.ts';
import { JoblogFollower } from './joblog-follower.ts';
import { stockLine } from './parallel-command.ts';

/** How often the joblog is looked at. */
const FOLLOW_MS = 200;
const STDERR_TAIL = 4000;

/** GNU parallel on node 0 over one ssh a task: SIERRA's own line. Nodes are added and dropped through its sshloginfile. */
export function startStock(clock: Clock): StartFanout {
  return (request, hooks) => new StockFanout(request, hooks, clock);
}

class StockFanout implements RunningFanout {
  readonly result: Promise<FanoutResult>;
  readonly #request: FanoutRequest;
  readonly #hooks: FanoutHooks;
  readonly #clock: Clock;
  readonly #nodes: Map<number, FanoutNode>;
  readonly #nodefile: string;
  /** How each sequence number ended; 1 succeeded, 2 failed. */
  readonly #ended: Uint8Array;
  #child: ChildProcess | undefined;
  #stopping = false;
  #succeeded = 0;
  #failed = 0;

  constructor(request: FanoutRequest, hooks: FanoutHooks, clock: Clock) {
    this.#request = request;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#nodes = new Map(request.nodes.map((node) => [node.index, node]));
    this.#nodefile = join(request.scratch, 'nodefile');
    this.#ended = new Uint8Array(request.total + 1);
    this.result = this.#run();
  }

  addNode(node: FanoutNode): void {
    this.#nodes.set(node.index, node);
    this.#nodesChanged();
  }

  removeNode(node: number, why: string): void {
    if (!this.#nodes.delete(node)) return;
    this.#hooks.log('Stock:NodeRemoved', { node, why });
    this.#nodesChanged();
  }

  async stop(why: string, graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#hooks.log('Stock:Stop', { why });
    const child = this.#child;
    if (child !== undefined && child.exitCode === null) {
      // The first TERM waits for running jobs, the second ends them.
      child.kill('SIGTERM');
      child.kill('SIGTERM');
      await within(this.#clock, Math.max(graceMs, 100), this.result, () => undefined);
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
    await this.result;
  }

  running(): number {
    const slots = [...this.#nodes.values()].reduce((sum, node) => sum + node.slots, 0);
    const left = this.#request.total - this.#request.done.size - this.#succeeded - this.#failed;
    return this.#child === undefined ? 0 : Math.min(slots, left);
  }

  async #run(): Promise<FanoutResult> {
    try {
      return await this.#runParallel();
    } catch (error) {
      return this.#outcome(error instanceof Error ? error.message : String(error));
    }
  }

  async #runParallel(): Promise<FanoutResult> {
    const { scratch, joblog, commandsFile, results } = this.#request;
    if (this.#request.total === this.#request.done.size) return this.#outcome();
    const parallelHome = join(scratch, 'parallel');
    await Promise.all([
      mkdir(parallelHome, { recursive: true, mode: 0o700 }),
      mkdir(results, { recursive: true }),
    ]);
    await this.#writeNodefile();
    const before = await stat(joblog).then(
      ({ size }) => size,
      () => 0,
    );
    const slots = Math.max(...[...this.#nodes.values()].map((node) => node.slots));
    const line = stockLine(this.#request, this.#nodefile, slots, before > 0, parallelHome);
    // By the image's PATH, as its interpreter: the tasks' may lead nowhere.
    const [perl, parallel] = [this.#find('perl'), this.#find('parallel')];
    const commands = await open(commandsFile, 'r');
    const child = spawn(perl, [parallel, ...line.arguments], {
      stdio: [commands.fd, 'ignore', 'pipe'],
      env: line.environment,
      cwd: scratch,
    });
    const exited = Promise.race([
      once(child, 'close'),
      once(child, 'error').then(([error]) => Promise.reject(error)),
    ]);
    exited.catch(() => undefined); // It may fail at once; it is awaited below.
    await commands.close();
    this.#child = child;
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_TAIL);
    });
    const code = await this.#follow(exited, before);
    const left = this.#request.total - this.#request.done.size - this.#succeeded - this.#failed;
    // 255 is GNU parallel's own failure (a line too long ends the whole run), unless a stop caused it, or the user's `--halt`.
    // What halts is how a task ended: without a row nothing has.
    const isHalted =
      /(^|\s)--halt/.test(line.environment.PARALLEL ?? '') &&
      code !== 255 &&
      this.#succeeded + this.#failed > 0;
    if (left > 0 && !this.#stopping && !isHalted)
      return this.#outcome(
        `GNU parallel ended with ${code}, ${left} commands unfinished${stderr === '' ? '' : `: ${stderr.trim().split('\n').slice(-3).join(' ')}`}`,
      );
    return this.#outcome();
  }

  #find(program: string): string {
    const found = findOnPath([program], this.#request.path);
    if (found === undefined) throw new Error(`${program} is not on the runner's PATH`);
    return found;
  }

  async #follow(exited: Promise<unknown[]>, position: number): Promise<unknown> {
    const follower = new JoblogFollower(this.#request.joblog, position);
    let over = false;
    const ended = exited.finally(() => {
      over = true;
    });
    ended.catch(() => undefined); // Awaited below; it may fail while the joblog is being read.
    try {
      while (!over) {
        await within(this.#clock, FOLLOW_MS, ended, () => undefined);
        for (const row of await follower.read()) this.#onRow(row);
      }
      const [code, signal] = await ended;
      for (const row of await follower.read()) this.#onRow(row);
      return signal ?? code;
    } finally {
      await follower.close();
    }
  }

  #onRow(row: Parameters<FanoutHooks['onRow']>[0]): void {
    if (this.#ended[row.seq] !== 0) return;
    this.#ended[row.seq] = succeeded(row) ? 1 : 2;
    if (succeeded(row)) this.#succeeded += 1;
    else this.#failed += 1;
    const node = [...this.#nodes.values()].find(({ address }) => address === row.host);
    this.#hooks.onRow(row, node?.index ?? -1);
  }

  #nodesChanged(): void {
    if (this.#child === undefined) return;
    if (this.#nodes.size === 0) {
      // An empty sshloginfile would make GNU parallel run the rest on node 0.
      void this.stop('no node is left', 0);
      return;
    }
    this.#writeNodefile().catch((error: unknown) =>
      this.#hooks.log('Stock:NodefileFailed', { error: String(error) }),
    );
  }

  /** GNU parallel reads the file again when it changes. */
  async #writeNodefile(): Promise<void> {
    const hosts = [...this.#nodes.values()].map(({ address }) => address);
    // SIERRA sorts its nodefile and takes each line once.
    await writeFile(this.#nodefile, renderNodefile(hosts.toSorted((a, b) => a.localeCompare(b))));
  }

  #outcome(broken?: string): FanoutResult {
    const unfinished = this.#request.total - this.#request.done.size - this.#succeeded - this.#failed;
    return {
      succeeded: this.#succeeded,
      failed: this.#failed,
      unfinished,
      retried: 0,
      ...(broken === undefined ? {} : { broken }),
    };
  }
}
