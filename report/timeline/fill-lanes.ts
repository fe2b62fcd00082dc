import { byStart, Lanes, MOST_LANES } from '../../experiment/results/lanes.ts';

/** What is drawn as a bar, in milliseconds. */
interface Placed {
  seq: number;
  start: number;
  duration: number;
}

/** A node's bars in as many lanes as it has slots, and more where more overlap; each lane's in the order of time. */
export function fillLanes<Bar extends Placed>(bars: Bar[], slots: number): Bar[][] {
  const filled = new Lanes();
  const lanes: Bar[][] = Array.from({ length: Math.max(1, Math.min(slots, MOST_LANES)) }, () => []);
  for (const bar of bars.sort(byStart)) {
    const lane = filled.place(bar.start, bar.duration);
    lanes[lane] ??= [];
    lanes[lane].push(bar);
  }
  return lanes;
}
