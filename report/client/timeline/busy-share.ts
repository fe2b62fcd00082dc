import type { DecodedLanes, TimelineData } from '../../timeline/format.ts';
import { awayOf } from '../../timeline/format.ts';

/**
 * Busy slots over the whole run in `bins` steps, as a share of the slots of the nodes that are there, 0 to 1. Long tasks are added by differences, so
 * that the cost is a few steps a task however many bins it spans.
 */
export function busyShare(
  { start, duration }: DecodedLanes,
  { nodes, span }: Pick<TimelineData, 'nodes' | 'span'>,
  bins: number,
): Float64Array {
  const width = span / bins;
  const there = slotsThere({ nodes, span }, bins);
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
    const busy = whole + (part[at] ?? 0);
    const slots = there[at] ?? 0;
    return slots > 0 ? Math.min(1, busy / slots) : 0;
  });
}

/** Slots of nodes that are there, in the middle of each step's time. */
function slotsThere({ nodes, span }: Pick<TimelineData, 'nodes' | 'span'>, bins: number): Float64Array {
  const all = nodes.reduce((sum, { slots }) => sum + slots, 0);
  const there = new Float64Array(bins).fill(all);
  for (const node of nodes)
    for (const { from, to } of awayOf(node, span))
      for (let at = Math.ceil((from / span) * bins - 0.5); at < (to / span) * bins - 0.5; at += 1)
        there[at] = (there[at] ?? 0) - node.slots;
  return there;
}
