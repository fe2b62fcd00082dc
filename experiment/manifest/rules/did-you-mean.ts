/** The known key that someone most likely meant; undefined when none is near. */
export function nearestKey(written: string, known: readonly string[]): string | undefined {
  if (written.length > 60 || known.length > 1000) return undefined;
  const lower = written.toLowerCase();
  let best: { key: string; distance: number } | undefined;
  for (const key of known) {
    if (Math.abs(key.length - written.length) > 20) continue;
    const distance = editDistance(lower, key.toLowerCase());
    if (best === undefined || distance < best.distance) best = { key, distance };
  }
  return best !== undefined &&
    best.distance <= Math.max(1, Math.floor(Math.max(written.length, best.key.length) / 3))
    ? best.key
    : undefined;
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? 0;
}
