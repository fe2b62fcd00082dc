import type { FanoutRequest } from '../fan-out.ts';
import type { Row } from './agent-messages.ts';
import type { CommandIndex } from './command-index.ts';
import type { PoolNode } from './pool-node.ts';
import { GroupSize } from './sizing/group-size.ts';
import { Overlap } from './sizing/groups-per-node.ts';
import type { SeqRange } from './waiting/task-queue.ts';
import type { WaitingTasks } from './waiting/waiting-tasks.ts';

/** Deals what waits out to nodes, in groups that are as long as what was measured says. */
export class Dealer {
  readonly #commands: CommandIndex;
  readonly #limitMs: number;
  readonly #size = new GroupSize();
  readonly #overlap = new Overlap();
  #nextGroup = 1;

  constructor(commands: CommandIndex, { taskSeconds = 0 }: Pick<FanoutRequest, 'taskSeconds'>) {
    this.#commands = commands;
    this.#limitMs = taskSeconds * 1000;
  }

  observe({ runtime, opening }: Row): void {
    this.#size.observe(runtime);
    this.#overlap.observe(opening, runtime);
  }

  /** How many tasks may have begun within so many seconds, one after another. */
  begunWithin(seconds: number): number {
    return this.#size.within(seconds);
  }

  /** One group at a time to the node with the most free slots, so that few tasks spread over all nodes. */
  deal(all: readonly PoolNode[], waiting: WaitingTasks): void {
    const nodes = all.filter(({ takesTasks }) => takesTasks);
    this.#dealSingly(nodes, waiting);
    const slots = nodes.reduce((sum, { node }) => sum + node.slots, 0);
    const groups = nodes.reduce((sum, { node }) => sum + this.#overlap.groups(node.slots, false), 0);
    while (waiting.ordinary > 0) {
      const best = this.#mostFree(nodes, waiting.ordinary <= slots);
      if (best === undefined) return;
      const size = this.#size.next(waiting.ordinary, groups);
      this.#send(best, waiting.take(size), groups / slots);
    }
  }

  /** Suspects first, each on a node without another; after all others those that need a node for themselves. */
  #dealSingly(nodes: readonly PoolNode[], waiting: WaitingTasks): void {
    const single = (seq: number) => [{ first: seq, count: 1, tried: waiting.tries.next(seq) }];
    while (waiting.suspects.length > 0) {
      const unsuspected = nodes.filter(({ suspect }) => suspect === undefined);
      const best = this.#mostFree(unsuspected, true);
      const seq = best === undefined ? undefined : waiting.takeSuspect();
      if (best === undefined || seq === undefined) return;
      best.suspect = seq;
      this.#send(best, single(seq), 1);
    }
    for (const entry of nodes.filter(({ groups }) => groups.size === 0)) {
      const seq = waiting.takeAlone();
      if (seq === undefined) return;
      entry.alone = seq;
      this.#send(entry, single(seq), 1);
    }
  }

  #send(to: PoolNode, seqs: readonly (SeqRange & { tried: number })[], sharing: number): void {
    const id = this.#nextGroup++;
    const all = seqs.flatMap(({ first, count }) => Array.from({ length: count }, (_, at) => first + at));
    to.groups.set(id, new Set(all));
    to.channel?.send({
      id,
      ranges: seqs.map((range) => ({ ...range, ...this.#commands.place(range.first, range.count) })),
      budgetMs: this.#size.budgetMs(sharing),
      patienceMs: this.#overlap.patienceMs(),
      limitMs: this.#limitMs,
    });
  }

  /** The node that may have the most groups more than it has. */
  #mostFree(nodes: readonly PoolNode[], isEnd: boolean): PoolNode | undefined {
    let best: PoolNode | undefined;
    let most = 0;
    for (const entry of nodes) {
      const free = entry.free(this.#overlap, isEnd);
      if (free > most) [best, most] = [entry, free];
    }
    return best;
  }
}
