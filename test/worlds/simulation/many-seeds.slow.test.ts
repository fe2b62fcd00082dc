import { describe, expect, it } from 'vitest';
import { MUTANTS } from './faults/mutants.ts';
import { neverHappened, runSeeds, seedsFrom } from './many-seeds.ts';

/** These seeds are enough for every fault and every branch of recovery. */
const SEEDS = 3000;

describe('the control plane in many hostile clouds', () => {
  it(`keeps every promise in ${SEEDS}, in which everything happens that must happen sometimes`, async () => {
    const { failed, happened } = await runSeeds(seedsFrom(1, SEEDS));
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
    expect(neverHappened(happened)).toEqual([]);
  });

  it.each([
    ['no-fence', 247],
    ['no-look-up', 886],
  ] as const)('finds a safeguard that is seldom needed to be missing: %s', async (name, seed) => {
    const mutation = MUTANTS[name];
    expect((await runSeeds(seedsFrom(seed - 20, 200), { mutation })).failed).toBeDefined();
  });
});
