import { csvCells } from '../cells.ts';

/** SIERRA's statistics of an experiment, which its stage 3 writes as CSV. */
export function isStatistics(path: string): boolean {
  return /\.(?:mean|stddev)$/.test(path);
}

/**
 * The first cell of two CSV texts that differs by more than the tolerance, as a clause; undefined where none does.
 * @param tolerance of numbers, relative to the larger one
 */
export function firstDifference(a: string, b: string, tolerance: number): string | undefined {
  const [ofA, ofB] = [a, b].map((text) => text.trimEnd().split(/\r?\n/));
  const header = csvCells(ofA?.[0] ?? '');
  for (let row = 0; row < Math.max(ofA?.length ?? 0, ofB?.length ?? 0); row += 1) {
    const [one, other] = [ofA?.[row], ofB?.[row]];
    if (one === undefined || other === undefined)
      return `${ofA?.length ?? 0} lines and ${ofB?.length ?? 0} lines`;
    const [cells, others] = [csvCells(one), csvCells(other)];
    for (let at = 0; at < Math.max(cells.length, others.length); at += 1)
      if (!isNear(cells[at] ?? '', others[at] ?? '', tolerance))
        return `line ${row + 1}, ${header[at] ?? `column ${at + 1}`}: ${cells[at] || 'nothing'} and ${others[at] || 'nothing'}`;
  }
  return undefined;
}

/** The same, or numbers within the tolerance, relative to the larger one. */
export function isNear(a: string, b: string, tolerance: number): boolean {
  if (a === b) return true;
  const [one, other] = [Number(a), Number(b)];
  if (a.trim() === '' || b.trim() === '' || Number.isNaN(one) || Number.isNaN(other)) return false;
  return Math.abs(one - other) <= tolerance * Math.max(Math.abs(one), Math.abs(other));
}
