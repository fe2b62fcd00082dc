import type { DecodedLanes, TimelineData, TimelineNode } from '../../timeline/format.ts';

/** A band of the drawing: one slot, or all slots of a node where there are too many to show each. */
export interface Row {
  node: TimelineNode;
  /** Lanes `from` to before `to`. */
  from: number;
  to: number;
  y: number;
  height: number;
  /** First of its node: it carries the name. */
  first: boolean;
}

export interface Rows {
  rows: Row[];
  height: number;
  /** True when each row is a whole node. */
  byNode: boolean;
}

/** Above this height nodes are drawn as one row each, unless asked otherwise. */
const COMFORTABLE = 760;
const NODE_GAP = 6;

/** Lays the lanes out: slots as tall as there is room, 5 to 16 pixels, whole nodes when even that is too much. */
export function layOut({ nodes }: TimelineData, byNode: boolean | undefined): Rows {
  const lanes = nodes.reduce((sum, node) => sum + node.lanes, 0);
  const gaps = nodes.length * NODE_GAP;
  const perNode = byNode ?? lanes * 5 + gaps > COMFORTABLE;
  const bands = perNode ? nodes.length : lanes;
  const gap = perNode ? 1 : NODE_GAP;
  const height = clamp(
    Math.floor((COMFORTABLE - nodes.length * gap) / bands),
    perNode ? 12 : 5,
    perNode ? 22 : 16,
  );
  const rows: Row[] = [];
  let y = 0;
  let lane = 0;
  for (const node of nodes) {
    const end = lane + node.lanes;
    const step = perNode ? node.lanes : 1;
    for (let from = lane; from < end; from += step) {
      rows.push({ node, from, to: from + step, y, height, first: from === lane });
      y += height;
    }
    lane = end;
    y += gap;
  }
  return { rows, height: y, byNode: perNode };
}

/** The first bar of a lane that ends after `time`: bars of a lane are in order and do not overlap. */
export function firstBarAfter({ first, start, duration }: DecodedLanes, lane: number, time: number): number {
  let low = first[lane] ?? 0;
  let high = first[lane + 1] ?? low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((start[middle] ?? 0) + (duration[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
