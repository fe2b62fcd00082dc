import { writeFileSync } from 'node:fs';
import type { Scheme, Workload } from './options.ts';

export interface Row {
  workload: Workload;
  scheme: Scheme;
  nodes: number;
  /** A node. */
  slots: number;
  tasks: number;
  seconds: number;
  /** Tasks a second. */
  rate: number;
  /** CPU of what hands out the tasks on node 0, for all of them. */
  node0CpuMs: number;
}

const COLUMNS = [13, 11, 6, 7, 9, 9, 13, 8];

export const ROW_HEADER = cells([
  'workload',
  'scheme',
  'nodes',
  'tasks',
  'seconds',
  'tasks/s',
  'CPU ms/task',
  'ideal',
]);

/** @param ideal seconds that the tasks take if nothing else does; 0 where they do nothing */
export function renderRow(row: Row, ideal: number): string {
  const { workload, scheme, nodes, tasks, seconds, rate, node0CpuMs } = row;
  return cells([
    workload,
    scheme,
    String(nodes),
    String(tasks),
    seconds.toFixed(2),
    rate.toFixed(1),
    (node0CpuMs / tasks).toFixed(3),
    ideal === 0 ? '' : `${Math.round((100 * ideal) / seconds)} %`,
  ]);
}

/** Each scheme's rate as a multiple of stock's and as a share of xargs', of the same run. */
export function renderComparison(rows: readonly Row[]): string {
  const lines = rows.flatMap((row) => {
    const of = (scheme: Scheme) =>
      rows.find((one) => one.scheme === scheme && one.workload === row.workload && one.nodes === row.nodes);
    const [stock, xargs] = [of('stock'), of('xargs')];
    const ratios = [
      ...(stock === undefined || row === stock ? [] : [`${(row.rate / stock.rate).toFixed(1)} × stock`]),
      ...(xargs === undefined || row === xargs
        ? []
        : [`${Math.round((100 * row.rate) / xargs.rate)} % of xargs`]),
    ];
    return ratios.length === 0
      ? []
      : [`${row.workload}, ${row.nodes} nodes: ${row.scheme} ${ratios.join(', ')}`];
  });
  return lines.join('\n');
}

export function writeResults(file: string, rows: readonly Row[]): void {
  writeFileSync(file, `${JSON.stringify({ rows }, undefined, 1)}\n`);
}

function cells(texts: readonly string[]): string {
  return texts
    .map((text, index) => (index < 2 ? text.padEnd(COLUMNS[index] ?? 0) : text.padStart(COLUMNS[index] ?? 0)))
    .join('');
}
