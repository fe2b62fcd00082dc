import { succeeded } from '../../../experiment/results/joblog.ts';
import type { Clock } from '../../../experiment/util/clock.ts';
import { every } from '../../../experiment/util/timers.ts';
import type { FanoutHooks, FanoutNode, FanoutRequest, FanoutResult, TryEnd } from '../fan-out.ts';
import type { NodeMessage, Row } from './agent-messages.ts';
import type { CommandIndex } from './command-index.ts';
import { Dealer } from './dealer.ts';
import type { JoblogWriter } from './joblog-writer.ts';
import type { Channel } from './pool-node.ts';
import { PoolNode } from './pool-node.ts';
import { RowBook } from './row-book.ts';
import { WaitingTasks } from './waiting/waiting-tasks.ts';

/** How often a node's channel is opened again before the node is left alone. */
const RECONNECTS = 3;
/** Looks, a second apart, that may pass without any task that begins, runs or ends. */
const SILENT_LOOKS = 60;
/** What a group runner has not told yet is younger. */
const UNHEARD_SECONDS = 1;

/** What a pool is about to do. Once it has left `running` it gives nobody a task. */
type PoolState =
  | { kind: 'running' }
  /** Told to end: what runs is ended. */
  | { kind: 'stopping' }
  /** It cannot do its work, and ends as if it were told to. */
  | { kind: 'broken'; told: Partial<FanoutResult> }
  /** Each sequence number has its row; channels end by themselves. */
  | { kind: 'done' };

/** What a pool works with; the first two are its own to use, and not to close. */
interface PoolMeans {
  commands: CommandIndex;
  joblog: JoblogWriter;
  /** A connection to the node, opened before or now. */
  connect: (node: FanoutNode) => Channel;
  clock: Clock;
}

/** Hands groups to nodes with a free slot and books what comes back: exactly one final row for each sequence number. */
export class Pool {
  readonly #hooks: FanoutHooks;
  readonly #book: RowBook;
  readonly #connect: PoolMeans['connect'];
  readonly #waiting: WaitingTasks;
  readonly #dealer: Dealer;
  readonly #nodes = new Map<number, PoolNode>();
  /** The end of what tasks said whose row is to come. */
  readonly #said = new Map<number, string>();
  readonly #over = Promise.withResolvers<void>();
  /** Sequence numbers that were started again because they failed. */
  #retried = 0;
  #state: PoolState = { kind: 'running' };
  readonly #clock: Clock;
  readonly #stopLooking: () => void;
  #silent = 0;
  /** Nodes that are asked for whether they come back. */
  #asking = 0;

  constructor(request: FanoutRequest, hooks: FanoutHooks, { commands, joblog, connect, clock }: PoolMeans) {
    this.#hooks = hooks;
    this.#dealer = new Dealer(commands, request);
    this.#waiting = new WaitingTasks(request);
    const tasks = { total: request.total, left: this.#waiting.size };
    this.#book = new RowBook(tasks, { commands, joblog }, hooks, (error) =>
      this.#break(error, { storageFailed: true }),
    );
    this.#connect = connect;
    this.#clock = clock;
    this.#stopLooking = every(clock, 1000, () => this.#look());
  }

  addNode(node: FanoutNode): void {
    if (!this.#isRunning() || this.#book.left === 0 || this.#nodes.has(node.index)) return;
    const entry = new PoolNode(node);
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
    this.#loseTasks(entry, true);
    this.#proceed();
  }

  /** So many of those that wait, spread over the list, are next. */
  sample(count: number): number[] {
    return this.#waiting.sample(count);
  }

  stop(reason: string, graceMs: number): void {
    if (this.#isRunning()) this.#stopNodes({ kind: 'stopping' }, reason, graceMs);
  }

  running(): number {
    return [...this.#nodes.values()].reduce((sum, { running }) => sum + running, 0);
  }

  counts(): FanoutResult {
    return { ...this.#book.counts(), retried: this.#retried };
  }

  /** Ends when every sequence number has its row, or nobody is left to run them, and every row is in the joblog. */
  async finished(): Promise<FanoutResult> {
    this.#giveUp();
    this.#proceed();
    await this.#over.promise;
    this.#stopLooking();
    await this.#book.written();
    return { ...this.counts(), ...(this.#state.kind === 'broken' ? this.#state.told : {}) };
  }

  #open(entry: PoolNode): void {
    entry.isReady = false;
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
    this.#silent = 0;
    const { index } = entry.node;
    switch (message.kind) {
      case 'ready':
        entry.isReady = true;
        entry.wasReady = true;
        break;
      case 'unusable':
        this.#cannotUse(entry, message.message);
        break;
      case 'started':
        if (entry.groups.get(message.group)?.has(message.seq) === true) this.#begin(entry, message.seq);
        return;
      case 'said':
        this.#said.set(message.seq, message.text);
        return;
      case 'row':
        this.#onRow(entry, message);
        return;
      case 'given-back':
        if (entry.drop(message.group, message.seq)) this.#waiting.putBack([message.seq]);
        entry.isBusy = true;
        break;
      case 'end':
        // What is left of it was cut off with its group runner.
        this.#waiting.putBack(entry.takeBack([message.group]));
        break;
      case 'crashed':
        if (this.#isRunning()) {
          this.#hooks.log('Pool:GroupRunnerDied', { node: index, group: message.group });
          entry.channel?.breakOff();
        }
        return;
      case 'unfit':
        this.#hooks.log('Pool:NodeUnfit', { node: index, why: message.message });
        this.#hooks.onUnfit?.(index, message.message);
        entry.unfit = message.message;
        break;
      case 'removed':
        this.#break('the folder that tasks start in is gone', { removedBy: message.seq });
        break;
      case 'failed':
        this.#break(`node ${index}: ${message.message}`, { storageFailed: true });
        break;
    }
    this.#proceed();
  }

  #begin(entry: PoolNode, seq: number): void {
    if (entry.begun.has(seq)) return;
    entry.begun.add(seq);
    this.#hooks.onStart?.(seq, entry.node.index);
  }

  #onRow(entry: PoolNode, row: Row): void {
    const { seq, left, isOutOfMemory } = row;
    const stderr = this.#said.get(seq);
    this.#said.delete(seq);
    // A row counts only while its task is that node's: one that was given to another node is that node's now.
    if (!entry.drop(row.group, seq)) return;
    this.#dealer.observe(row);
    entry.isBusy = false;
    const about = {
      left,
      ...(isOutOfMemory ? { end: 'memory' as const } : {}),
      ...(stderr === undefined ? {} : { stderr }),
    };
    const { tries } = this.#waiting;
    if (succeeded(row)) {
      this.#end(entry, row, true, about);
    } else if (isOutOfMemory && this.#isRunning() && tries.failForMemory(seq)) {
      this.#waiting.putBack([seq]);
      this.#end(entry, row, false, about);
    } else {
      const { isAgain, isFirst } = tries.fail(seq);
      const again = isAgain && this.#isRunning();
      if (again && isFirst) this.#retried += 1;
      if (again) this.#waiting.putBack([seq]);
      this.#end(entry, row, !again, about);
    }
  }

  /** A try has ended. */
  #end({ node }: PoolNode, row: Row, final: boolean, about: TryEnd): void {
    this.#book.add({ row, node, final, about });
    if (this.#book.left === 0) this.#proceed();
  }

  /** What a lost node had is to be run by others; what ran there may have been the cause. */
  #loseTasks(entry: PoolNode, isNodeLost: boolean): void {
    const { index } = entry.node;
    if (isNodeLost) this.#hooks.onNodeLost?.(index);
    const under = entry.underWay(this.#dealer.begunWithin(UNHEARD_SECONDS));
    for (const seq of under) {
      this.#waiting.tries.lose(seq, `node ${index}`, isNodeLost);
    }
    this.#waiting.putBack(entry.takeBack());
    this.#giveUp(entry);
  }

  /** Tasks that took too much with them are not started again: they have failed. */
  #giveUp(entry = new PoolNode({ index: -1, address: '-', slots: 0 })): void {
    for (const { seq, why } of this.#waiting.givenUp()) {
      this.#hooks.log('Pool:TaskGivenUp', { seq, why });
      const startTime = this.#clock.now() / 1000 + (entry.node.clockAheadSeconds ?? 0);
      const row = { group: 0, seq, startTime, runtime: 0, exitval: 137, signal: 0, bytes: 0, opening: 0 };
      this.#end(entry, { kind: 'row', ...row, left: 0, isOutOfMemory: false }, true, {
        stderr: why,
        end: 'lost',
      });
    }
  }

  async #lost(entry: PoolNode, why: string): Promise<void> {
    const index = entry.node.index;
    this.#hooks.log('Pool:ChannelLost', { node: index, why });
    if (!this.#isRunning()) {
      this.#closed(entry);
      return;
    }
    if (!entry.wasReady && entry.reconnects > 0) {
      this.#cannotUse(entry, why);
      return;
    }
    this.#asking += 1;
    // Asked the last time, too: until it answers, the node's tasks may go on, and nobody else may start them.
    const answer = await this.#hooks.onChannelLost(index, why).catch(() => 'evict' as const);
    this.#asking -= 1;
    if (this.#nodes.get(index) !== entry) return;
    const isLast = entry.reconnects === RECONNECTS;
    this.#loseTasks(entry, answer === 'evict' || isLast);
    if (isLast) this.#hooks.log('Pool:NodeLeftAlone', { node: index, reconnects: RECONNECTS });
    if (answer === 'evict' || isLast || !this.#isRunning()) {
      this.#nodes.delete(index);
    } else {
      entry.reconnects += 1;
      this.#open(entry);
    }
    this.#proceed();
  }

  /** It never was fit to take tasks: that is no loss. */
  #cannotUse(entry: PoolNode, why: string): void {
    entry.channel?.abandon();
    this.#hooks.onUnusable?.(entry.node.index, why);
    this.#closed(entry);
  }

  #closed(entry: PoolNode): void {
    this.#waiting.putBack(entry.takeBack());
    this.#nodes.delete(entry.node.index);
    this.#proceed();
  }
  #isRunning = () => this.#state.kind === 'running';

  /** The first fault is told, one that comes while the pool ends as well. */
  #break(error: string, told: Partial<FanoutResult>): void {
    if (this.#state.kind === 'broken') return;
    const broken: PoolState = { kind: 'broken', told: { broken: error, ...told } };
    if (this.#isRunning()) this.#stopNodes(broken, error, 1000);
    else this.#state = broken;
  }

  /** Whatever is rested on may fail in a way that nobody has seen: machines are not billed for it. */
  #look(): void {
    const isAtWork = this.#asking > 0 || [...this.#nodes.values()].some(({ begun }) => begun.size > 0);
    this.#silent = isAtWork || !this.#isRunning() || this.#book.left === 0 ? 0 : this.#silent + 1;
    if (this.#silent >= SILENT_LOOKS)
      this.#break(`for ${SILENT_LOOKS} s no task began and none ended, and ${this.#book.left} wait`, {});
  }

  /** What runs on the nodes is ended. */
  #stopNodes(state: PoolState, why: string, graceMs: number): void {
    this.#state = state;
    this.#hooks.log('Pool:Stop', { why });
    for (const { channel } of this.#nodes.values()) channel?.stop(graceMs);
    this.#proceed();
  }

  /** Gives work to free slots, or ends what has nothing left to do. */
  #proceed(): void {
    if (this.#isRunning() && this.#book.left === 0) {
      this.#state = { kind: 'done' };
      for (const { channel } of this.#nodes.values()) channel?.end();
    }
    if (this.#nodes.size === 0) this.#over.resolve();
    else if (this.#isRunning()) this.#dispatch();
  }

  #dispatch(): void {
    const all = [...this.#nodes.values()];
    if (all.some(({ isStranded }) => !isStranded)) {
      this.#dealer.deal(all, this.#waiting);
      return;
    }
    const stranded = all.map(({ node, unfit }) => `node ${node.index}: ${unfit}`).join('; ');
    this.#break(`no node takes tasks any more; ${stranded}`, { stranded: stranded.slice(0, 2000) });
  }
}
