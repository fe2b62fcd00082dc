import { freeLane } from '../../experiment/results/free-lane.ts';

/** What is drawn as a bar, in milliseconds. */
interface Placed {
  seq: number;
  start: number;
  duration: number;
}

/** Joblog times are rounded to milliseconds, each for itself: this much overlap is none. */
const ROUNDING = 2;
/** More than any machine has slots. What a task has written into the joblog may overlap without end. */
const MAX_LANES = 1024;

/** A node's bars in as many lanes as it has slots, and more where more overlap; each lane's in the order of time. */
export function fillLanes<Bar extends Placed>(bars: Bar[], slots: number): Bar[][] {
  bars.sort((a, b) => a.start - b.start || a.seq - b.seq);
  const lanes: Bar[][] = Array.from({ length: Math.max(1, Math.min(slots, MAX_LANES)) }, () => []);
  const ends: number[] = lanes.map(() => 0);
  for (const bar of bars) {
    let best = freeLane(ends, bar.start + ROUNDING);
    if (best === -1) best = lanes.length < MAX_LANES ? lanes.push([]) - 1 : ends.indexOf(Math.min(...ends));
    lanes[best]?.push(bar);
    ends[best] = bar.start + bar.duration;
  }
  return lanes;
}
