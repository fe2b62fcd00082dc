import { Lanes, MOST_LANES } from '../../experiment/results/lanes.ts';

/** Of what is drawn as a bar; times in milliseconds. */
interface Times<Item> {
  seq(item: Item): number;
  start(item: Item): number;
  duration(item: Item): number;
}

/** A node's bars in as many lanes as it has slots, and more where more overlap; each lane's in the order of time. */
export function fillLanes<Item>(items: Item[], slots: number, of: Times<Item>): Item[][] {
  const filled = new Lanes();
  const lanes: Item[][] = Array.from({ length: Math.max(1, Math.min(slots, MOST_LANES)) }, () => []);
  items.sort((a, b) => of.start(a) - of.start(b) || of.seq(a) - of.seq(b));
  for (const item of items) {
    const lane = filled.place(of.start(item), of.duration(item));
    lanes[lane] ??= [];
    lanes[lane].push(item);
  }
  return lanes;
}
