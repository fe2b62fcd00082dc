import { clientError } from './client-error.ts';

/** Nodes `from` to `to`, both included; `to` is Infinity for an open range (`2:`). */
export interface NodeRange {
  from: number;
  to: number;
}

/** `0:3`, `:3`, `2:`, `2`. @throws ClientException */
export function parseNodeRange(text: string): NodeRange {
  const match = /^(?:(\d+)|(\d*):(\d*))$/.exec(text);
  if (match === null || text === ':') throw clientError(`Invalid targetNodes: ${JSON.stringify(text)}`);
  const [, single, from, to] = match;
  if (single !== undefined) return { from: Number(single), to: Number(single) };
  const range = {
    from: from === undefined || from === '' ? 0 : Number(from),
    to: to === undefined || to === '' ? Number.POSITIVE_INFINITY : Number(to),
  };
  if (range.from > range.to) throw clientError(`Invalid targetNodes: ${JSON.stringify(text)}`);
  return range;
}

/** The ranges must cover every node; a node in several takes the innermost that comes last. @throws ClientException */
export function rangeOfNode(ranges: readonly NodeRange[], node: number): number {
  let best = -1;
  for (const [index, range] of ranges.entries()) {
    if (node < range.from || node > range.to) continue;
    const other = ranges[best];
    if (other === undefined || range.to - range.from <= other.to - other.from) best = index;
  }
  if (best === -1) throw clientError(`Node range properties do not cover node ${node}`);
  return best;
}
