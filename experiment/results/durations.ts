/**
 * So many of the tasks took at most this, 0 to 1 of them: the nearest rank, so that it is what some task took.
 * @param sorted shortest first
 */
export function durationAt(sorted: ArrayLike<number>, share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
