import { describe, expect, it } from 'vitest';
import { neverHappened, runSeeds, seedsFrom } from './many-seeds.ts';

/** With its other half, in a file of its own so that two workers share them; thousands are for `npm run simulate`. */
const SEEDS = 249;
/** In one of some two thousand seeds a second job's node 0 comes just when the run is given to the first. */
const FENCED = 874;

describe('the control plane in many hostile clouds', () => {
  it(`keeps every promise in seeds 1 to ${SEEDS} and ${FENCED}, in which everything happens that must happen sometimes`, async () => {
    const { failed, happened } = await runSeeds([...seedsFrom(1, SEEDS), FENCED]);
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
    expect(neverHappened(happened)).toEqual([]);
  });
});
