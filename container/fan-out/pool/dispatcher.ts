import type { FanoutHooks, FanoutNode, FanoutRequest, FanoutResult } from '../fan-out.ts';
import type { NodeMessage, Row } from './agent-messages.ts';
import { joblogRow } from './agent-messages.ts';
import type { PoolChannel } from './channel.ts';
import type { CommandIndex } from './command-index.ts';
import { GroupSize } from './group-size.ts';
import { Overlap } from './groups-per-node.ts';
import type { JoblogWriter } from './joblog-writer.ts';
import { TaskQueue } from './task-queue.ts';

/** How often a node's channel is opened again before the node is left alone. */
const RECONNECTS = 3;

type Channel = Pick<PoolChannel, 'listen' | 'send' | 'end' | 'stop' | 'breakOff' | 'abandon'>;

interface PoolNode {
  node: FanoutNode;
  channel: Channel | undefined;
  ready: boolean;
  /** Groups sent and not ended, with the sequence numbers that have neither row nor come back. */
  groups: Map<number, Set<number>>;
  /** It gave back what it had not begun, and has ended no task since: its slots are all taken for longer. */
  isBusy: boolean;
  reconnects: number;
}

/** What a pool is about to do. Once it has left `running` it gives nobody a task. */
type PoolState =
  | { kind: 'running' }
  /** Told to end: what runs is ended. */
  | { kind: 'stopping'; reason: string }
  /** It cannot do its work, and ends as if it were told to. */
  | { kind: 'broken'; error: string; storageFailed: boolean }
  /** Each sequence number has its row; channels end by themselves. */
  | { kind: 'done' };

/** What a pool works with; the first two are its own to use, and not to close. */
interface PoolMeans {
  commands: CommandIndex;
  joblog: JoblogWriter;
  /** A connection to the node, opened before or now. */
  connect: (node: FanoutNode) => Channel;
}

/** Hands groups to nodes with a free slot and books what comes back: exactly one final row for each sequence number. */
export class Pool {
  readonly #request: FanoutRequest;
  readonly #hooks: FanoutHooks;
  readonly #commands: CommandIndex;
  readonly #joblog: JoblogWriter;
  readonly #connect: PoolMeans['connect'];
  readonly #queue: TaskQueue;
  readonly #size = new GroupSize();
  readonly #overlap = new Overlap();
  readonly #nodes = new Map<number, PoolNode>();
  /** Times each sequence number has failed so far; only those that did. */
  readonly #failures = new Map<number, number>();
  readonly #booked: Uint8Array;
  readonly #over = Promise.withResolvers<void>();
  /** Rows whose command is being read. */
  #booking: Promise<void> = Promise.resolve();
  #unread: { row: Row; node: PoolNode; final: boolean }[] = [];
  #nextGroup = 1;
  #left: number;
  #succeeded = 0;
  #failed = 0;
  /** Sequence numbers that were started again because they failed. */
  #retried = 0;
  #state: PoolState = { kind: 'running' };

  constructor(request: FanoutRequest, hooks: FanoutHooks, { commands, joblog, connect }: PoolMeans) {
    this.#request = request;
    this.#hooks = hooks;
    this.#commands = commands;
    this.#joblog = joblog;
    this.#connect = connect;
    this.#queue = new TaskQueue(request.total, request.done);
    this.#left = this.#queue.size;
    this.#booked = new Uint8Array(request.total + 1);
  }

  addNode(node: FanoutNode): void {
    if (!this.#isRunning() || this.#left === 0 || this.#nodes.has(node.index)) return;
    const entry: PoolNode = {
      node,
      channel: undefined,
      ready: false,
      groups: new Map(),
      isBusy: false,
      reconnects: 0,
    };
    this.#nodes.set(node.index, entry);
    this.#open(entry);
  }

  /** The node is gone and nothing of it runs: what it had goes to others. */
  removeNode(index: number, why: string): void {
    const entry = this.#nodes.get(index);
    if (entry === undefined) return;
    this.#hooks.log('Pool:NodeRemoved', { node: index, why });
    this.#nodes.delete(index);
    entry.channel?.abandon();
    entry.channel = undefined;
    this.#takeBack(entry);
    this.#proceed();
  }

  stop(reason: string, graceMs: number): void {
    if (this.#isRunning()) this.#end({ kind: 'stopping', reason }, reason, graceMs);
  }

  running(): number {
    let running = 0;
    for (const { node, groups } of this.#nodes.values()) running += Math.min(node.slots, groups.size);
    return running;
  }

  counts(): FanoutResult {
    return {
      succeeded: this.#succeeded,
      failed: this.#failed,
      retried: this.#failures.size,
      unfinished: this.#left,
    };
  }

  /** Ends when every sequence number has its row, or nobody is left to run them, and every row is in the joblog. */
  async finished(): Promise<FanoutResult> {
    this.#proceed();
    await this.#over.promise;
    await this.#booking;
    await this.#joblog.flush();
    const state = this.#state;
    return {
      ...this.counts(),
      retried: this.#retried,
      ...(state.kind === 'broken' ? { broken: state.error, storageFailed: state.storageFailed } : {}),
    };
  }

  #open(entry: PoolNode): void {
    entry.ready = false;
    const { node } = entry;
    const channel = this.#connect(node);
    entry.channel = channel;
    channel.listen({
      onMessage: (message) => {
        if (entry.channel === channel) this.#onMessage(entry, message);
      },
      onNoise: (line) => this.#hooks.log('Pool:Noise', { node: node.index, line: line.slice(0, 200) }),
      onClose: (why, asked) => {
        if (entry.channel !== channel) return;
        entry.channel = undefined;
        if (asked) this.#closed(entry);
        else void this.#lost(entry, why);
      },
    });
  }

  #onMessage(entry: PoolNode, message: NodeMessage): void {
    switch (message.kind) {
      case 'ready':
        entry.ready = true;
        break;
      case 'row':
        this.#onRow(entry, message);
        return;
      case 'given-back':
        if (entry.groups.get(message.group)?.delete(message.seq) === true) this.#queue.putBack([message.seq]);
        entry.isBusy = true;
        break;
      case 'end':
        this.#endGroup(entry, message.group);
        break;
      case 'crashed':
        if (this.#isRunning()) {
          this.#hooks.log('Pool:GroupRunnerDied', { node: entry.node.index, group: message.group });
          entry.channel?.breakOff();
        }
        return;
      case 'failed':
        this.#break(`node ${entry.node.index}: ${message.message}`, !message.message.startsWith('fork:'));
        return;
    }
    this.#proceed();
  }

  #onRow(entry: PoolNode, row: Row): void {
    // A row counts only while its task is that node's: one that was given to another node is that node's now.
    if (entry.groups.get(row.group)?.delete(row.seq) !== true) return;
    this.#size.observe(row.runtime);
    this.#overlap.observe(row.opening, row.runtime);
    entry.isBusy = false;
    const failed = row.exitval !== 0 || row.signal !== 0;
    const failures = (this.#failures.get(row.seq) ?? 0) + (failed ? 1 : 0);
    const again = failed && failures <= this.#request.taskRetries && this.#isRunning();
    if (failed) this.#failures.set(row.seq, failures);
    if (again) {
      if (failures === 1) this.#retried += 1;
      this.#queue.putBack([row.seq]);
    }
    this.#book(entry, row, !again);
  }

  /** Rows are booked in the order they came, many at a time when they come fast. */
  #book(node: PoolNode, row: Row, final: boolean): void {
    if (final) {
      if (this.#booked[row.seq] === 1) return;
      this.#booked[row.seq] = 1;
      this.#left -= 1;
      if (row.exitval === 0 && row.signal === 0) this.#succeeded += 1;
      else this.#failed += 1;
    }
    this.#unread.push({ row, node, final });
    if (this.#unread.length === 1) this.#booking = this.#booking.then(() => this.#bookAll());
    if (this.#left === 0) this.#proceed();
  }

  async #bookAll(): Promise<void> {
    const rows = this.#unread;
    this.#unread = [];
    try {
      for (const { row, node, final } of rows) {
        const line = joblogRow(row, node.node, await this.#commands.command(row.seq));
        this.#joblog.append(line);
        if (final) this.#hooks.onRow(line, node.node.index);
        else this.#hooks.onRetry?.(line, node.node.index);
      }
    } catch (error) {
      this.#break(
        `the rows of finished tasks cannot be recorded: ${error instanceof Error ? error.message : String(error)}`,
        true,
      );
    }
  }

  /** A group ended; tasks of it that have neither row nor come back were cut off with their group runner. */
  #endGroup(entry: PoolNode, id: number): void {
    const left = entry.groups.get(id);
    if (left === undefined) return;
    entry.groups.delete(id);
    this.#queue.putBack(left);
  }

  #takeBack(entry: PoolNode): void {
    for (const seqs of entry.groups.values()) this.#queue.putBack(seqs);
    entry.groups.clear();
  }

  async #lost(entry: PoolNode, why: string): Promise<void> {
    const index = entry.node.index;
    this.#hooks.log('Pool:ChannelLost', { node: index, why });
    if (!this.#isRunning()) {
      this.#closed(entry);
      return;
    }
    // Asked the last time, too: until it answers, the node's tasks may go on, and nobody else may start them.
    const answer = await this.#hooks.onChannelLost(index, why).catch(() => 'evict' as const);
    if (this.#nodes.get(index) !== entry) return;
    this.#takeBack(entry);
    const isLast = entry.reconnects === RECONNECTS;
    if (isLast) this.#hooks.log('Pool:NodeLeftAlone', { node: index, reconnects: RECONNECTS });
    if (answer === 'evict' || isLast || !this.#isRunning()) {
      this.#nodes.delete(index);
    } else {
      entry.reconnects += 1;
      this.#open(entry);
    }
    this.#proceed();
  }

  #closed(entry: PoolNode): void {
    this.#takeBack(entry);
    this.#nodes.delete(entry.node.index);
    this.#proceed();
  }

  #isRunning(): boolean {
    return this.#state.kind === 'running';
  }

  /** The first fault is told, one that comes while the pool ends as well. */
  #break(error: string, storageFailed: boolean): void {
    if (this.#state.kind === 'broken') return;
    const broken: PoolState = { kind: 'broken', error, storageFailed };
    if (this.#isRunning()) this.#end(broken, error, 1000);
    else this.#state = broken;
  }

  /** What runs on the nodes is ended. */
  #end(state: PoolState, why: string, graceMs: number): void {
    this.#state = state;
    this.#hooks.log('Pool:Stop', { why });
    for (const { channel } of this.#nodes.values()) channel?.stop(graceMs);
    this.#proceed();
  }

  /** Gives work to free slots, or ends what has nothing left to do. */
  #proceed(): void {
    if (this.#isRunning() && this.#left === 0) {
      this.#state = { kind: 'done' };
      for (const { channel } of this.#nodes.values()) channel?.end();
    }
    if (this.#nodes.size === 0) this.#over.resolve();
    else if (this.#isRunning()) this.#dispatch();
  }

  /** One group at a time to the node with the most free slots, so that few tasks spread over all nodes. */
  #dispatch(): void {
    const nodes = [...this.#nodes.values()].filter((entry) => entry.ready && entry.channel !== undefined);
    const slots = nodes.reduce((sum, { node }) => sum + node.slots, 0);
    const groups = nodes.reduce((sum, { node }) => sum + this.#overlap.groups(node.slots, false), 0);
    while (this.#queue.size > 0) {
      const best = this.#mostFree(nodes, this.#queue.size <= slots);
      if (best === undefined) return;
      const size = this.#size.next(this.#queue.size, groups);
      const seqs = this.#queue.take(size);
      const id = this.#nextGroup++;
      best.groups.set(
        id,
        new Set(seqs.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at))),
      );
      best.channel?.send({
        id,
        ranges: seqs.map(({ first, count }) => ({ first, count, ...this.#commands.place(first, count) })),
        budgetMs: this.#size.budgetMs(groups / slots),
        patienceMs: this.#overlap.patienceMs(),
        limitMs: (this.#request.taskSeconds ?? 0) * 1000,
      });
    }
  }

  /** The node that may have the most groups more than it has. */
  #mostFree(nodes: readonly PoolNode[], isEnd: boolean): PoolNode | undefined {
    let best: PoolNode | undefined;
    let most = 0;
    for (const entry of nodes) {
      const { slots } = entry.node;
      const free = (entry.isBusy ? slots : this.#overlap.groups(slots, isEnd)) - entry.groups.size;
      if (free > most) [best, most] = [entry, free];
    }
    return best;
  }
}
