import { describe, expect, it } from 'vitest';
import { neverHappened, runSeeds, seedsFrom } from './many-seeds.ts';

/** With its other half, in a file of its own so that two workers share them; thousands are for `npm run simulate`. */
const SEEDS = 250;

describe('the control plane in many hostile clouds', () => {
  it(`keeps every promise in seeds 1 to ${SEEDS}, in which everything happens that must happen sometimes`, async () => {
    const { failed, happened } = await runSeeds(seedsFrom(1, SEEDS));
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
    expect(neverHappened(happened)).toEqual([]);
  });
});
