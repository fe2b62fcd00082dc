import type { FanoutNode } from '../fan-out.ts';
import type { PoolChannel } from './channel.ts';
import type { Overlap } from './sizing/groups-per-node.ts';

export type Channel = Pick<PoolChannel, 'listen' | 'send' | 'end' | 'stop' | 'breakOff' | 'abandon'>;

/** A node as the pool sees it. */
export class PoolNode {
  readonly node: FanoutNode;
  channel: Channel | undefined;
  isReady = false;
  /** It has been ready once: what is wrong later is a loss. */
  wasReady = false;
  /** Groups sent and not ended, with the sequence numbers that have neither row nor come back. */
  readonly groups = new Map<number, Set<number>>();
  /** Those of them that are known to have begun. */
  readonly begun = new Set<number>();
  /** It gave back what it had not begun, and has ended no task since: its slots are all taken for longer. */
  isBusy = false;
  /** Why it cannot start tasks, and is given none. */
  unfit: string | undefined;
  reconnects = 0;
  /** The task here that was under way when another node was lost. */
  suspect: number | undefined;
  /** The task that has this node to itself. */
  alone: number | undefined;

  constructor(node: FanoutNode) {
    this.node = node;
  }

  /** A task of a group is this node's no longer; false where it was not. */
  drop(group: number, seq: number): boolean {
    this.begun.delete(seq);
    if (this.suspect === seq) this.suspect = undefined;
    if (this.alone === seq) this.alone = undefined;
    return this.groups.get(group)?.delete(seq) === true;
  }

  /** Gives up a group, or all. Answers what of it has neither row nor come back. */
  takeBack(ids: Iterable<number> = [...this.groups.keys()]): number[] {
    const left: number[] = [];
    for (const id of ids) {
      for (const seq of this.groups.get(id) ?? []) {
        left.push(seq);
        this.drop(id, seq);
      }
      this.groups.delete(id);
    }
    return left;
  }

  /**
   * What may have been under way: those told of, and of a group of short tasks the first without a row, as many as may have
   * begun since it was last heard of.
   */
  underWay(unheard: number): Set<number> {
    const under = new Set(this.begun);
    for (const seqs of this.groups.values()) {
      const [first] = seqs;
      if (first === undefined || this.begun.has(first) || seqs.size === 1) continue;
      for (const seq of [...seqs].slice(0, unheard)) under.add(seq);
    }
    return under;
  }

  get takesTasks(): boolean {
    return this.isReady && this.channel !== undefined && this.unfit === undefined;
  }

  get isStranded(): boolean {
    return this.unfit !== undefined && this.groups.size === 0;
  }

  /** Tasks that run, as far as it is known. */
  get running(): number {
    return Math.min(this.node.slots, this.groups.size);
  }

  /** How many groups more it may have. */
  free(overlap: Overlap, isEnd: boolean): number {
    if (this.alone !== undefined) return 0;
    const { slots } = this.node;
    return (this.isBusy ? slots : overlap.groups(slots, isEnd)) - this.groups.size;
  }
}
