import { tellingLine } from '../diagnosis/failed-tasks/telling-line.ts';
import type { Ending } from '../records/ending.ts';
import { endingWords, shellCode } from '../records/ending.ts';
import type { NodeRecord } from '../records/nodes.ts';
import type { OpenTry } from '../records/progress.ts';
import type { Cell, Column } from './cells.ts';
import { Lanes } from './lanes.ts';
import type { TaskTable, TryColumns } from './task-table.ts';
import type { Version } from './versions.ts';
import { versionAt } from './versions.ts';

/** What every task has, before and behind its own parameters. */
const FIRST: readonly Column[] = [{ name: 'task', type: 'INT32' }];
/** Where the columns of parameters begin. */
export const FIRST_PARAMETER = FIRST.length;
const REST: readonly Column[] = [
  { name: 'command', type: 'STRING' },
  { name: 'node', type: 'STRING' },
  { name: 'slot', type: 'INT32' },
  { name: 'try', type: 'INT32' },
  { name: 'start', type: 'TIMESTAMP' },
  { name: 'seconds', type: 'DOUBLE' },
  { name: 'end', type: 'STRING' },
  { name: 'exit', type: 'INT32' },
  { name: 'signal', type: 'INT32' },
  { name: 'line', type: 'STRING' },
  { name: 'version', type: 'STRING' },
];

/** What a run is known to have done, for a row a task. */
export interface TaskFacts {
  tasks: TaskTable;
  /** Of failed tasks: the line that says why, or the end of stderr. */
  stderrTails: ReadonlyMap<number, string>;
  versions: readonly Version[];
  open?: readonly OpenTry[] | undefined;
  nodes: readonly NodeRecord[];
  /** The joblog has the last try of each task alone. */
  hasLastTriesOnly?: boolean;
}

/** The columns of `tasks.csv`: parameters by their own names, unless the table has such a column. */
export function taskColumns(parameters: readonly Column[], results: readonly Column[]): Column[] {
  const taken = new Set([...FIRST, ...REST].map(({ name }) => name));
  const named = (columns: readonly Column[], before: string) =>
    columns.map(({ name, type }) => {
      let own = name;
      while (taken.has(own)) own = `${before}_${own}`;
      taken.add(own);
      return { name: own, type };
    });
  return [...FIRST, ...named(parameters, 'parameter'), ...REST, ...named(results, 'result')];
}

/** Makes the rows of tasks, in any order. Held: some bytes a task. */
export class TaskRows {
  readonly #facts: TaskFacts;
  /** Place among the final rows + 1, or among the earlier ones, negative; 0 where there is no row. */
  readonly #places: Int32Array;
  readonly #tries: Uint16Array;
  readonly #slotOf: SlotOf;
  readonly #open: ReadonlyMap<number, OpenTry>;
  /** The highest number of a task that has a row. */
  readonly highest: number;

  constructor(facts: TaskFacts) {
    this.#facts = facts;
    const { tasks, open = [] } = facts;
    let highest = 0;
    for (const { seqs } of [tasks, tasks.earlier]) for (const seq of seqs) highest = Math.max(highest, seq);
    this.highest = highest;
    this.#places = new Int32Array(highest + 1);
    this.#tries = new Uint16Array(highest + 1);
    for (let at = 0; at < tasks.earlier.size; at += 1) this.#places[tasks.earlier.seqs[at] ?? 0] = -1 - at;
    for (let at = 0; at < tasks.size; at += 1) this.#places[tasks.seqs[at] ?? 0] = 1 + at;
    for (const seq of tasks.tries.seqs) this.#tries[seq] = Math.min(65_535, (this.#tries[seq] ?? 0) + 1);
    this.#slotOf = slotsOf(facts, highest);
    this.#open = new Map(open.map((one) => [one.seq, one]));
  }

  /** Whether there is anything to be said of the task. */
  has(seq: number): boolean {
    return (this.#places[seq] ?? 0) !== 0 || this.#open.has(seq);
  }

  row(seq: number, parameters: readonly Cell[], command: string | null, results: readonly Cell[]): Cell[] {
    const { tasks, stderrTails, versions } = this.#facts;
    const place = this.#places[seq] ?? 0;
    if (place === 0) return [seq, ...parameters, command, ...this.#withoutRow(seq), ...results];
    const [columns, at]: [TryColumns, number] = place > 0 ? [tasks, place - 1] : [tasks.earlier, -1 - place];
    const start = columns.start[at] ?? 0;
    const ending = columns.ending[at] ?? SUCCEEDED;
    const isFailed = ending.kind !== 'succeeded';
    const tail = isFailed ? stderrTails.get(seq) : undefined;
    const line = tail === undefined ? null : tail.includes('\n') ? tellingLine(tail) : tail;
    return [
      seq,
      ...parameters,
      command,
      tasks.hosts[columns.host[at] ?? 0] ?? null,
      ...(place > 0 ? this.#started(seq) : [null, null]),
      Math.round(start * 1000),
      columns.runtime[at] ?? null,
      endingWords(ending),
      ...codesOf(ending),
      line,
      versionAt(versions, start)?.id ?? null,
      ...results,
    ];
  }

  /** Slot and number of its last try. */
  #started(seq: number): [number | null, number | null] {
    const tries = (this.#tries[seq] ?? 0) + (this.#open.has(seq) ? 1 : 0);
    return [this.#slotOf(seq) ?? null, this.#facts.hasLastTriesOnly === true ? null : tries];
  }

  #withoutRow(seq: number): Cell[] {
    const open = this.#open.get(seq);
    if (open === undefined) return [null, null, null, null, null, 'not started', null, null, null, null];
    const start = Date.parse(open.startedAt);
    const ending = { kind: open.end } as const;
    return [
      addressOf(this.#facts.nodes, open.node),
      ...this.#started(seq),
      start,
      secondsOf(open),
      endingWords(ending),
      ...codesOf(ending),
      null,
      versionAt(this.#facts.versions, start / 1000)?.id ?? null,
    ];
  }
}

const SUCCEEDED: Ending = { kind: 'succeeded' };

/** Exit code as a shell shows it, and the signal. */
function codesOf(ending: Ending): [number, number | null] {
  return [shellCode(ending), ending.kind === 'signal' ? ending.signal : null];
}

type SlotOf = (seq: number) => number | undefined;

/** The slot of each task's last try by its number, from 1: the lane in which the timeline draws it. */
function slotsOf({ tasks, nodes, open = [] }: TaskFacts, highest: number): SlotOf {
  const { tries } = tasks;
  const hosts = new Map(tasks.hosts.map((name, index) => [name, index]));
  const hostOf = (node: number) => {
    const address = addressOf(nodes, node);
    const index = hosts.get(address) ?? hosts.size;
    hosts.set(address, index);
    return index;
  };
  const seqs = joined(tries.seqs, open, ({ seq }) => seq);
  const host = joined(tries.host, open, ({ node }) => hostOf(node));
  const start = joined(tries.start, open, ({ startedAt }) => Date.parse(startedAt) / 1000).map(inMs);
  const duration = joined(tries.runtime, open, secondsOf).map(inMs);
  const order = Uint32Array.from(seqs.keys()).sort(
    (a, b) =>
      (host[a] ?? 0) - (host[b] ?? 0) ||
      (start[a] ?? 0) - (start[b] ?? 0) ||
      (seqs[a] ?? 0) - (seqs[b] ?? 0) ||
      a - b,
  );
  const lanes = Array.from({ length: hosts.size }, () => new Lanes());
  const slots = new Uint16Array(order.length);
  for (const at of order)
    slots[at] = 1 + (lanes[host[at] ?? 0]?.place(start[at] ?? 0, duration[at] ?? 0) ?? 0);
  const last = new Uint16Array(highest + 1);
  const others = new Map<number, number>();
  seqs.forEach((seq, at) => {
    if (seq <= highest) last[seq] = slots[at] ?? 0;
    else others.set(seq, slots[at] ?? 0);
  });
  return (seq) => last[seq] ?? others.get(seq);
}

function joined(
  of: ArrayLike<number>,
  open: readonly OpenTry[],
  value: (one: OpenTry) => number,
): Float64Array {
  const all = new Float64Array(of.length + open.length);
  all.set(of);
  all.set(open.map(value), of.length);
  return all;
}

function inMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function secondsOf({ startedAt, endedAt }: OpenTry): number {
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
}

/** A node that has none was never reached; the name is then all that is known. */
function addressOf(nodes: readonly NodeRecord[], node: number): string {
  return nodes.find(({ index }) => index === node)?.address ?? `node ${node}`;
}
