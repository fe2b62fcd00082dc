/** Such a share of the numbers, 0 to 1, is at most this: one of them. @param sorted least first */
export function nearestRank(sorted: ArrayLike<number>, share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
