import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { ReportInput } from '../page/input.ts';
import { fillLanes } from './fill-lanes.ts';
import type { Tries } from './tries.ts';

/** A node of the timeline and its slots as lanes, each with the places of its tries in the order of time, none overlapping. */
export interface NodeLanes {
  /** As people know it: `node 3`; a host that nodes.json does not know goes by its address. */
  name: string;
  address: string;
  record: NodeRecord | undefined;
  lanes: number[][];
}

/**
 * Every try in a lane of its node. A node has at least as many lanes as slots; clocks that jumped may need more, up to a
 * bound. Nodes in the order of their index, unknown hosts last.
 */
export function arrangeLanes(
  { tasks, nodes, open = [] }: Pick<ReportInput, 'tasks' | 'nodes' | 'open'>,
  tries: Tries,
): NodeLanes[] {
  const ofHost = tries.ofHosts();
  const addressOf = new Map(nodes.map(({ index, address = '' }) => [index, address]));
  for (const [at, { node }] of open.entries()) {
    const address = addressOf.get(node) ?? `node ${node}`;
    ofHost.set(address, [...(ofHost.get(address) ?? []), tasks.tries.size + at]);
  }
  const known = [...nodes]
    .sort((a, b) => a.index - b.index)
    .map((record) => {
      const address = record.address ?? '';
      const places = ofHost.get(address) ?? [];
      ofHost.delete(address);
      const lanes = fillLanes(places, record.slots, tries);
      return { name: `node ${record.index}`, address, record, lanes };
    });
  const unknown = [...ofHost].map(([address, places]) => ({
    name: address,
    address,
    record: undefined,
    lanes: fillLanes(places, 1, tries),
  }));
  return [...known, ...unknown];
}
