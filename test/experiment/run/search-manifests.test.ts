import { describe, expect, it } from 'vitest';
import type { ManifestSearch } from '../../../experiment/run/search-manifests.ts';
import { isDue, isLookedAt, resumeSearch } from '../../../experiment/run/search-manifests.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const DROPPED = Date.UTC(2026, 0, 1);

/** A pass a minute from minute 1 on; in which minutes one that nobody answers is looked at and due. */
function passes(minutes: number): { lookedAt: number[]; due: number[] } {
  const found = { lookedAt: [] as number[], due: [] as number[] };
  let stored: ManifestSearch | undefined;
  for (let minute = 1; minute <= minutes; minute += 1) {
    const search = resumeSearch(JSON.stringify(stored ?? null), DROPPED + minute * MINUTE);
    const isLooked = isLookedAt(search, DROPPED);
    if (isLooked) found.lookedAt.push(minute);
    if (isLooked && isDue(search, DROPPED)) found.due.push(minute);
    stored = { ...search, waitingSince: isLooked ? DROPPED : undefined };
  }
  return found;
}

describe('a manifest that nobody answers', () => {
  it('is handed over when five minutes old and at each doubling of its age, for a day', () => {
    expect(passes(1500).due).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 1280]);
  });

  it('is looked at in every pass until it is a day old', () => {
    const { lookedAt } = passes(1500);
    expect([lookedAt.at(0), lookedAt.at(-1), lookedAt.length]).toEqual([5, 1439, 1435]);
  });
});

describe('the next pass', () => {
  const over: ManifestSearch = { version: 1, beganAt: DROPPED, since: DROPPED - DAY };

  it('looks only at what the one before was too early for', () => {
    const next = resumeSearch(JSON.stringify(over), DROPPED + MINUTE);
    expect(isLookedAt(next, DROPPED - 5 * MINUTE)).toBe(false);
    expect(isLookedAt(next, DROPPED - 5 * MINUTE + 1)).toBe(true);
    expect(isLookedAt(next, DROPPED - 4 * MINUTE)).toBe(true);
    expect(isLookedAt(next, DROPPED - 4 * MINUTE + 1)).toBe(false);
  });

  it('begins when the list is at its end', () => {
    const cursor = { key: 'manifests/m.yaml', version: 'v' };
    const halfway = JSON.stringify({ ...over, cursor });
    expect(resumeSearch(halfway, DROPPED + MINUTE)).toEqual({ ...over, cursor });
  });
});
