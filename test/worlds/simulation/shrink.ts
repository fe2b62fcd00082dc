import type { Strike } from './faults/faults.ts';
import type { SeedResult } from './run-seed.ts';

export interface Shrunken {
  strikes: readonly Strike[];
  result: SeedResult;
  tries: number;
}

/**
 * The fewest faults of a failing seed that still break the same invariant, found by leaving out halves, then quarters, and
 * so on (Zeller's delta debugging). Each kind of fault has a source of chance of its own, so the rest strike as before.
 * @param tries seeds run at most
 */
export async function shrink(
  failing: SeedResult,
  run: (keep: ReadonlySet<Strike>) => Promise<SeedResult>,
  tries: number,
): Promise<Shrunken> {
  const invariants = new Set(failing.violations.map(({ invariant }) => invariant));
  const fails = ({ violations }: SeedResult) => violations.some(({ invariant }) => invariants.has(invariant));
  let best: Shrunken = { strikes: failing.strikes, result: failing, tries: 0 };
  let used = 0;
  const attempt = async (strikes: readonly Strike[]) => {
    used += 1;
    const result = await run(new Set(strikes));
    if (!fails(result)) return false;
    // A fault that did not strike any more is not part of it.
    best = { strikes: result.strikes, result, tries: used };
    return true;
  };
  for (let pieces = 1; used < tries; ) {
    const size = Math.max(1, Math.ceil(best.strikes.length / pieces));
    let isSmaller = false;
    for (let from = 0; from < best.strikes.length && used < tries && !isSmaller; from += size)
      isSmaller = await attempt(best.strikes.toSpliced(from, size));
    if (isSmaller) pieces = Math.max(1, pieces - 1);
    else if (size === 1) break;
    else pieces *= 2;
  }
  return { ...best, tries: used };
}
