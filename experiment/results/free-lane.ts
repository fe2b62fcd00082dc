/**
 * The lane of those that are free which was busy last, as GNU parallel fills its slots; the first of such, -1 where none is free.
 * @param ends when each lane becomes free @param from when one is wanted, in the same unit
 */
export function freeLane(ends: readonly number[], from: number): number {
  let free = -1;
  let latest = Number.NEGATIVE_INFINITY;
  for (let lane = 0; lane < ends.length; lane += 1) {
    const end = ends[lane] ?? 0;
    if (end > from || end <= latest) continue;
    free = lane;
    latest = end;
  }
  return free;
}
