import type { Load } from '../records/load.ts';
import { MAX_POINTS } from '../records/load.ts';

const FIGURES = ['cpu', 'memory', 'disk'] as const;

/** What a node uses at one moment, each a share of what it has; absent what it cannot tell. */
export type NodeLoad = Readonly<Partial<Record<(typeof FIGURES)[number], number>>>;

/** What was heard in the time of one point. */
interface Sum {
  sum: number;
  count: number;
}

const FIRST_SECONDS = 5;

/**
 * The load of nodes over time, in at most 240 points a node however long the run takes: when they are full, two become one
 * and the time between them doubles. Points are sums, so that what is halved is the mean of all that was heard in its time.
 */
export class LoadSeries {
  #seconds = FIRST_SECONDS;
  #from: number | undefined;
  readonly #nodes = new Map<number, Record<(typeof FIGURES)[number], Sum[]>>();

  /** Times in ms since the epoch, none before the first. */
  heard(node: number, load: NodeLoad, at: number): void {
    this.#from ??= at;
    const seconds = (at - this.#from) / 1000;
    while (seconds >= this.#seconds * MAX_POINTS) this.#halve();
    const point = Math.floor(seconds / this.#seconds);
    const series = this.#nodes.get(node) ?? { cpu: [], memory: [], disk: [] };
    this.#nodes.set(node, series);
    for (const figure of FIGURES) {
      const share = load[figure];
      if (share === undefined) continue;
      const sums = series[figure];
      while (sums.length <= point) sums.push({ sum: 0, count: 0 });
      sums[point] = added(sums[point], { sum: share, count: 1 });
    }
  }

  /** Undefined until a node told anything. */
  record(): Load | undefined {
    if (this.#from === undefined) return undefined;
    const nodes = [...this.#nodes]
      .sort(([a], [b]) => a - b)
      .map(([node, { cpu, memory, disk }]) => ({
        node,
        cpu: cpu.map(mean),
        memory: memory.map(mean),
        disk: disk.map(mean),
      }));
    return { version: 1, seconds: this.#seconds, from: new Date(this.#from).toISOString(), nodes };
  }

  #halve(): void {
    this.#seconds *= 2;
    for (const series of this.#nodes.values())
      for (const figure of FIGURES)
        series[figure] = series[figure].flatMap((sum, at, all) =>
          at % 2 === 0 ? added(all[at + 1], sum) : [],
        );
  }
}

function added(a: Sum | undefined, b: Sum): Sum {
  return { sum: (a?.sum ?? 0) + b.sum, count: (a?.count ?? 0) + b.count };
}

/** Rounded, since the record has 240 of them for each of 1,000 nodes. */
function mean({ sum, count }: Sum): number | null {
  return count === 0 ? null : Math.round((sum / count) * 1000) / 1000;
}
