import { describe, expect, it } from 'vitest';
import { MUTANTS } from './faults/mutants.ts';
import { runSeeds, seedsFrom } from './many-seeds.ts';

describe('the control plane in many hostile clouds', () => {
  it('keeps every promise in seeds 251 to 500', async () => {
    const { failed } = await runSeeds(seedsFrom(251, 250));
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
  });

  it.each([
    ['no-fence', 247],
    ['no-look-up', 886],
    ['no-told-mark', 1],
  ] as const)(
    'finds a safeguard to be missing that is seldom needed, or long not missed: %s',
    async (name, seed) => {
      const mutation = MUTANTS[name];
      expect((await runSeeds(seedsFrom(seed, 100), { mutation })).failed).toBeDefined();
    },
  );
});
