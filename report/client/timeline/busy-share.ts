import type { DecodedLanes } from '../../timeline/format.ts';

/**
 * Busy slots over the whole run in `bins` steps, as a share of all slots, 0 to 1. Long tasks are added by differences, so
 * that the cost is a few steps a task however many bins it spans.
 */
export function busyShare(
  { start, duration }: DecodedLanes,
  span: number,
  slots: number,
  bins: number,
): Float64Array {
  const width = span / bins;
  const part = new Float64Array(bins + 1);
  const change = new Float64Array(bins + 1);
  const add = (column: Float64Array, at: number, amount: number) => {
    column[at] = (column[at] ?? 0) + amount;
  };
  for (let bar = 0; bar < start.length; bar += 1) {
    const from = start[bar] ?? 0;
    const to = Math.min(span, from + (duration[bar] ?? 0));
    const a = Math.min(bins - 1, Math.floor(from / width));
    const b = Math.min(bins - 1, Math.floor(to / width));
    if (a === b) {
      add(part, a, (to - from) / width);
      continue;
    }
    add(part, a, a + 1 - from / width);
    add(part, b, to / width - b);
    add(change, a + 1, 1);
    add(change, b, -1);
  }
  let whole = 0;
  return Float64Array.from({ length: bins }, (_, at) => {
    whole += change[at] ?? 0;
    return Math.min(1, (whole + (part[at] ?? 0)) / Math.max(1, slots));
  });
}
