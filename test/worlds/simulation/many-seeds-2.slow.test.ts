import { describe, expect, it } from 'vitest';
import { MUTANTS } from './faults/mutants.ts';
import { runSeeds, seedsFrom } from './many-seeds.ts';

describe('the control plane in many hostile clouds', () => {
  it.each([
    ['seeds 251 to 400', 251, 150, false],
    ['seeds 401 to 500, in which tasks write over whatever they may', 401, 100, true],
  ] as const)('keeps every promise in %s', async (_what, first, count, hasHostileTasks) => {
    const { failed } = await runSeeds(seedsFrom(first, count), { hasHostileTasks });
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
  });

  it.each([
    ['no-fence', 874],
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
