import { compareCells } from '../../../experiment/results/where.ts';
import type { PackedTasks, TasksData } from '../../tasks/packed.ts';
import type { KnownBars } from '../../timeline/append-bars.ts';

/** A row of the table, each cell as it is searched, compared and shown. */
export interface TaskRow {
  seq: number;
  isBad: boolean;
  cells: Readonly<Record<string, string>>;
}

const SUCCEEDED = 0;
const FAILED = 1;
const OPEN = 3;

/** Columns of every task; those of parameters come behind. */
const OWN = ['task', 'end', 'node', 'seconds', 'tries'];

/** As `tasks.csv` names them. */
export function columnsOf({ keys }: PackedTasks): string[] {
  return [...OWN, ...keys.map((key) => (OWN.includes(key) ? `parameter_${key}` : key))];
}

/** A row for each task that the table holds, and for each that failed since. */
export function rowsOf(data: TasksData, packed: PackedTasks, known: KnownBars | undefined): TaskRow[] {
  const held = packed.chosen ?? Array.from({ length: data.total }, (_, at) => at + 1);
  const placeOf = new Map(held.map((seq, place) => [seq, place]));
  const last = known === undefined ? new Map<number, Try>() : lastTries(known);
  const before = new Set(packed.before);
  const names = columnsOf(packed).slice(OWN.length);
  const row = (seq: number): TaskRow => {
    const tried = last.get(seq);
    const end = tried?.end ?? (before.has(seq) ? 'done before' : data.isLive ? 'not ended' : 'not finished');
    const cells: Record<string, string> = {
      task: String(seq),
      end,
      node: tried?.node ?? '',
      seconds: tried === undefined ? '' : String(tried.seconds),
      tries: tried === undefined ? '' : String(tried.tries),
    };
    const place = placeOf.get(seq);
    if (place !== undefined)
      names.forEach((name, at) => {
        cells[name] = packed.columns[at]?.[place] ?? '';
      });
    return { seq, isBad: tried?.isBad === true, cells };
  };
  const rows = held.map(row);
  if (packed.chosen !== undefined)
    for (const [seq, { isBad }] of last) if (isBad && !placeOf.has(seq)) rows.push(row(seq));
  return rows;
}

interface Try {
  end: string;
  isBad: boolean;
  node: string;
  seconds: number;
  tries: number;
}

/** What the last try of each task came to. */
function lastTries({ data, lanes }: KnownBars): Map<number, Try> {
  const found = new Map<number, Try>();
  const count = new Map<number, number>();
  let lane = 0;
  for (const node of data.nodes) {
    const to = lanes.first[lane + node.lanes] ?? 0;
    for (let bar = lanes.first[lane] ?? 0; bar < to; bar += 1) {
      const seq = lanes.seq[bar] ?? 0;
      const kind = lanes.kind[bar] ?? 0;
      count.set(seq, (count.get(seq) ?? 0) + 1);
      if (kind !== SUCCEEDED && kind !== FAILED && kind !== OPEN) continue;
      found.set(seq, {
        end: kind === SUCCEEDED ? 'succeeded' : (data.endings[lanes.ending[bar] ?? 0] ?? ''),
        isBad: kind !== SUCCEEDED,
        node: node.name.replace(/^node /, ''),
        seconds: (lanes.duration[bar] ?? 0) / 1000,
        tries: 1,
      });
    }
    lane += node.lanes;
  }
  for (const [seq, one] of found) one.tries = count.get(seq) ?? 1;
  return found;
}

/** The order of a column, and the tasks' own where cells are the same; empty cells last either way. */
export function inOrder(column: string, descending: boolean): (a: TaskRow, b: TaskRow) => number {
  return (a, b) => {
    const [one, other] = [a.cells[column] ?? '', b.cells[column] ?? ''];
    const order = compareCells(one, other);
    return (descending && one !== '' && other !== '' ? -order : order) || a.seq - b.seq;
  };
}
