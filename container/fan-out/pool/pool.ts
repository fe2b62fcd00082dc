import type { Clock } from '../../../experiment/util/clock.ts';
import type {
  FanoutHooks,
  FanoutNode,
  FanoutRequest,
  FanoutResult,
  RunningFanout,
  StartFanout,
} from '../fan-out.ts';
import { writeAgentFiles, writeGroupSettings } from './agent-files.ts';
import { PoolChannel } from './channel.ts';
import { CommandIndex } from './command-index.ts';
import { Pool } from './dispatcher.ts';
import type { OpenedChannels } from './early-channels.ts';
import { JoblogWriter } from './joblog-writer.ts';

/**
 * One ssh connection a node and one GNU parallel at its end, fed by node 0 as slots come free. Short tasks share a GNU
 * parallel job; each task keeps a bash, a process group, a row, output files, a time limit and retries of its own.
 * @param opened connections from while nodes joined, with the same `scratch`, `sshConfig` and `environment`
 */
export function startPool(clock: Clock, opened?: OpenedChannels): StartFanout {
  return (request, hooks) => new PoolFanout(request, hooks, clock, opened);
}

class PoolFanout implements RunningFanout {
  readonly result: Promise<FanoutResult>;
  readonly #hooks: FanoutHooks;
  readonly #clock: Clock;
  #pool: Pool | undefined;
  /** Nodes that came or went while the pool was being set up. */
  #nodes: FanoutNode[];
  #stopped: { why: string; graceMs: number } | undefined;

  constructor(request: FanoutRequest, hooks: FanoutHooks, clock: Clock, opened: OpenedChannels | undefined) {
    this.#hooks = hooks;
    this.#clock = clock;
    this.#nodes = [...request.nodes];
    this.result = this.#run(request, opened);
  }

  addNode(node: FanoutNode): void {
    if (this.#pool === undefined) this.#nodes.push(node);
    else this.#pool.addNode(node);
  }

  removeNode(node: number, why: string): void {
    if (this.#pool === undefined) this.#nodes = this.#nodes.filter(({ index }) => index !== node);
    else this.#pool.removeNode(node, why);
  }

  async stop(why: string, graceMs: number): Promise<void> {
    this.#stopped ??= { why, graceMs };
    this.#pool?.stop(why, graceMs);
    await this.result;
  }

  sample(count: number): number[] {
    return this.#pool?.sample(count) ?? [];
  }

  running(): number {
    return this.#pool?.running() ?? 0;
  }

  async #run(request: FanoutRequest, opened: OpenedChannels | undefined): Promise<FanoutResult> {
    let commands: CommandIndex | undefined;
    let joblog: JoblogWriter | undefined;
    try {
      await (opened?.ready() ?? writeAgentFiles(request));
      await writeGroupSettings(request);
      commands = await CommandIndex.open(request.commandsFile, request.total);
      joblog = await JoblogWriter.open(request.joblog);
      const { sshConfig, scratch } = request;
      const connect = (node: FanoutNode) =>
        opened?.take(node) ?? new PoolChannel({ node, sshConfig, scratch });
      const pool = new Pool(request, this.#hooks, { commands, joblog, connect, clock: this.#clock });
      this.#pool = pool;
      for (const node of this.#nodes) pool.addNode(node);
      if (this.#stopped !== undefined) pool.stop(this.#stopped.why, this.#stopped.graceMs);
      const result = await pool.finished();
      await joblog.close();
      joblog = undefined;
      return result;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const done = this.#pool?.counts() ?? {
        succeeded: 0,
        failed: 0,
        retried: 0,
        unfinished: request.total - request.done.size,
      };
      this.#pool?.stop(what, 0);
      // What else can fail here is the list of commands, and the system's errors alone have a code.
      return { ...done, broken: what, storageFailed: error instanceof Error && 'code' in error };
    } finally {
      await joblog
        ?.close()
        .catch((error: unknown) => this.#hooks.log('Pool:JoblogNotClosed', { error: String(error) }));
      await commands?.close();
    }
  }
}
