import { fillLanes } from './fill-lanes.ts';
import type { DecodedLanes, NewBars, TimelineData, TimelineNode } from './format.ts';
import { decodeLanes } from './format.ts';

/** The timeline of a run that goes on, as far as it is known. */
export interface KnownBars {
  data: TimelineData;
  lanes: DecodedLanes;
}

interface LooseBar {
  seq: number;
  start: number;
  duration: number;
  kind: number;
  ending: number;
}

const OF_BAR = {
  seq: ({ seq }: LooseBar) => seq,
  start: ({ start }: LooseBar) => start,
  duration: ({ duration }: LooseBar) => duration,
};

const RETRIED = 2;

/**
 * What is known and the bars that are new. A node's bars are put in lanes again, since they come in the order in which they
 * ended. @param bytes of {@link NewBars}' lists @param nodes as they are now; the others stay
 */
export function appendBars(
  { data, lanes }: KnownBars,
  fresh: { bars: NewBars; bytes: Uint8Array } | undefined,
  nodes: readonly TimelineNode[],
): KnownBars {
  const loose = looseBars(data, lanes);
  const endings = [...data.endings];
  const fromHosts = fresh === undefined ? new Map<string, LooseBar[]>() : decoded(fresh, endings);
  const again = new Set([...fromHosts.values()].flat().map(({ seq }) => seq));
  for (const bars of loose.values())
    for (const bar of bars) if (bar.kind < RETRIED && again.has(bar.seq)) bar.kind = RETRIED;
  const known = withNodes(data.nodes, nodes, [...fromHosts.keys()]);
  const all = known.map((node) => [
    ...(loose.get(node.address) ?? []),
    ...(fromHosts.get(node.address) ?? []),
  ]);
  const filled = all.map((bars, at) => fillLanes(bars, known[at]?.slots ?? 1, OF_BAR));
  const ends = all.flatMap((bars) =>
    bars.reduce((last, { start, duration }) => Math.max(last, start + duration), 0),
  );
  return {
    data: {
      ...data,
      endings,
      bars: all.reduce((sum, bars) => sum + bars.length, 0),
      span: Math.max(data.span, ...ends, ...known.flatMap(({ joined = 0, lost = 0 }) => [joined, lost])),
      nodes: known.map((node, at) => {
        const lanesNow = filled[at]?.length ?? 1;
        return { ...node, lanes: lanesNow, slots: node.state === 'unknown' ? lanesNow : node.slots };
      }),
    },
    lanes: columnsOf(filled.flat()),
  };
}

/** In the order of their names' numbers, those that nodes.json does not know last. */
function withNodes(
  before: readonly TimelineNode[],
  now: readonly TimelineNode[],
  hosts: readonly string[],
): TimelineNode[] {
  const nodes = new Map(before.map((node) => [keyOf(node), node]));
  for (const node of now) {
    // It had no name yet.
    if (nodes.get(node.address)?.state === 'unknown') nodes.delete(node.address);
    nodes.set(keyOf(node), node);
  }
  const there = new Set([...nodes.values()].map(({ address }) => address));
  for (const host of hosts)
    if (!there.has(host))
      nodes.set(host, { name: host, address: host, lanes: 1, slots: 1, state: 'unknown' });
  const place = ({ state, name }: TimelineNode) =>
    state === 'unknown' ? Number.POSITIVE_INFINITY : Number(name.replace('node ', ''));
  return [...nodes.values()].sort((a, b) => place(a) - place(b) || 0);
}

function keyOf({ state, name, address }: TimelineNode): string {
  return state === 'unknown' ? address : name;
}

/** By the address of their node. */
function looseBars({ nodes }: TimelineData, lanes: DecodedLanes): Map<string, LooseBar[]> {
  const found = new Map<string, LooseBar[]>();
  let lane = 0;
  for (const node of nodes) {
    const bars = barsOf(lanes, lane, lane + node.lanes);
    found.set(node.address, [...(found.get(node.address) ?? []), ...bars]);
    lane += node.lanes;
  }
  return found;
}

function barsOf(
  { first, seq, start, duration, kind, ending }: DecodedLanes,
  from: number,
  to: number,
): LooseBar[] {
  const bars: LooseBar[] = [];
  for (let at = first[from] ?? 0; at < (first[to] ?? 0); at += 1)
    bars.push({
      seq: seq[at] ?? 0,
      start: start[at] ?? 0,
      duration: duration[at] ?? 0,
      kind: kind[at] ?? 0,
      ending: ending[at] ?? 0,
    });
  return bars;
}

/** @param endings gets those that are new */
function decoded(
  { bars: { hosts, bars, endings: own }, bytes }: { bars: NewBars; bytes: Uint8Array },
  endings: string[],
): Map<string, LooseBar[]> {
  const places = own.map((words) => {
    const at = endings.indexOf(words);
    return at === -1 ? endings.push(words) - 1 : at;
  });
  const columns = decodeLanes(bytes, hosts.length, bars);
  return new Map(
    hosts.map((host, lane) => {
      const list = barsOf(columns, lane, lane + 1);
      for (const bar of list) bar.ending = places[bar.ending] ?? 0;
      return [host, list];
    }),
  );
}

function columnsOf(lanes: readonly (readonly LooseBar[])[]): DecodedLanes {
  const bars = lanes.flat();
  const first = new Uint32Array(lanes.length + 1);
  lanes.forEach((lane, at) => {
    first[at + 1] = (first[at] ?? 0) + lane.length;
  });
  return {
    first,
    seq: Uint32Array.from(bars, ({ seq }) => seq),
    start: Float64Array.from(bars, ({ start }) => start),
    duration: Float64Array.from(bars, ({ duration }) => duration),
    kind: Uint8Array.from(bars, ({ kind }) => kind),
    ending: Uint16Array.from(bars, ({ ending }) => ending),
  };
}
