import { LoadSeries } from '../../experiment/figures/load-series.ts';
import { nodeHoursSoFar } from '../../experiment/figures/node-hours.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { FanoutNode } from '../fan-out/fan-out.ts';
import type { NodeUsage } from '../process/usage.ts';

/** What is known of a node when it has joined. Times in milliseconds since the epoch. */
export interface Arrival {
  address: string;
  cpus: number;
  /** When its runner started, in node 0's time. */
  startedAt: number;
  versions: Readonly<Record<string, string>>;
  /** Only of a clock that is wrong. */
  clockAheadSeconds?: number;
}

interface Entry {
  record: NodeRecord;
  startedAt?: number;
}

/** Who is here, who is lost, who never came: what `nodes.json` says. */
export class Roster {
  readonly load = new LoadSeries();
  readonly #entries: Entry[];
  readonly #slots: number;

  constructor(nodes: number, slots: number) {
    this.#slots = slots;
    this.#entries = Array.from({ length: nodes }, (_, index) => ({
      record: { index, slots, state: 'never-came', tasks: 0, busySeconds: 0 },
    }));
  }

  joined(index: number, arrival: Arrival, now: number, late: boolean): void {
    const { startedAt, ...told } = arrival;
    this.#update(index, { ...told, state: late ? 'late' : 'joined', joinedAt: iso(now) });
    const entry = this.#entries[index];
    if (entry !== undefined) entry.startedAt = startedAt;
  }

  lost(index: number, because: string, now: number): void {
    this.#update(index, { state: 'lost', lostAt: iso(now), lostBecause: because });
  }

  /** It came, and cannot be used. */
  unusable(index: number, because: string): void {
    this.#update(index, { state: 'never-came', lostBecause: because });
  }

  /** It stays, and takes no more tasks. */
  leftOut(index: number, because: string): void {
    this.#update(index, { leftOutBecause: because.slice(0, 2000) });
  }

  /** Every node that is here ended well. */
  released(now: number): void {
    for (const { index } of this.live()) this.#update(index, { state: 'released', releasedAt: iso(now) });
  }

  taskEnded(index: number, seconds: number): void {
    const record = this.#entries[index]?.record;
    if (record === undefined) return;
    this.#update(index, { tasks: record.tasks + 1, busySeconds: record.busySeconds + seconds });
  }

  used(index: number, { load, ...usage }: NodeUsage, now: number): void {
    this.#update(index, usage);
    if (load !== undefined) this.load.heard(index, load, now);
  }

  /** Nodes that can be given tasks. */
  live(): FanoutNode[] {
    return this.#entries.flatMap(({ record: { index, address, state, slots, clockAheadSeconds } }) => {
      if ((state !== 'joined' && state !== 'late') || address === undefined) return [];
      return [{ index, address, slots, ...(clockAheadSeconds === undefined ? {} : { clockAheadSeconds }) }];
    });
  }

  withState(...states: NodeRecord['state'][]): number[] {
    return this.records()
      .filter((record) => states.includes(record.state))
      .map((record) => record.index);
  }

  counts(): { expected: number; joined: number; lost: number } {
    return {
      expected: this.#entries.length,
      joined: this.withState('joined', 'late', 'released').length,
      lost: this.withState('lost').length,
    };
  }

  slotsNow(): number {
    return this.live().length * this.#slots;
  }

  /** Of this attempt so far. */
  nodeHours(now: number): number {
    const starts = this.#entries.flatMap(({ startedAt }) => startedAt ?? []);
    return nodeHoursSoFar(starts, this.#entries.length, now);
  }

  records(): NodeRecord[] {
    return this.#entries.map(({ record }) => record);
  }

  #update(index: number, change: Partial<NodeRecord>): void {
    const entry = this.#entries[index];
    if (entry !== undefined) entry.record = { ...entry.record, ...change };
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
