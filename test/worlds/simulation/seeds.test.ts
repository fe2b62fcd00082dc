import { describe, expect, it } from 'vitest';
import { MUTANTS } from './faults/mutants.ts';
import { runSeeds, seedsFrom } from './many-seeds.ts';
import { runSeed } from './run-seed.ts';
import { shrink } from './shrink.ts';

describe('the control plane in a hostile cloud', () => {
  it('keeps every promise', { timeout: 120_000 }, async () => {
    const { failed, happened } = await runSeeds(seedsFrom(1, 60));
    expect(failed?.violations, `seed ${failed?.seed}`).toBeUndefined();
    // Otherwise nothing was hostile, or nothing was done.
    expect(happened.get('fault answer-lost')).toBeGreaterThan(100);
    expect(happened.get('outcome succeeded')).toBeGreaterThan(5);
    // A claim that excuses most of what it sees claims nothing.
    const excused = [...happened].filter(([what]) => what.startsWith('excused '));
    expect(excused.reduce((sum, [, times]) => sum + times, 0)).toBeLessThan(
      (happened.get('job succeeded') ?? 0) / 2,
    );
    expect(happened.get('cut off') ?? 0).toBeLessThan((happened.get('Run:Collected') ?? 0) / 10);
  });

  it.each([3, 17])('is the same each time, event by event (seed %d)', async (seed) => {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    expect(second.trace).toEqual(first.trace);
    expect(first.trace.length).toBeGreaterThan(100);
  });

  it('differs from seed to seed', async () => {
    expect((await runSeed(3)).trace).not.toEqual((await runSeed(4)).trace);
  });
});

/**
 * Safeguards that few seeds miss, and the first seed that does not: the search begins there, so that it soon ends. The
 * rarer ones, and the one whose seed is long, are in the slow test.
 */
const SOON_FOUND = [
  ['no-claim', 3],
  ['no-intent', 1],
  ['ignores-412', 3],
  ['ignores-409', 16],
  ['submits-again', 1],
  ['no-open-marks', 10],
  ['no-schedule', 1],
  ['no-manifest-search', 1],
  ['no-terminate', 4],
  ['no-token-sent', 1],
  ['executions-always-run', 1],
  ['no-rejection', 3],
  ['no-runs-page', 19],
  ['no-event', 1],
  ['no-mail', 1],
  ['no-telling-lease', 1],
  ['lease-for-ever', 5],
] as const;

describe('a mistake made on purpose', () => {
  it.each(SOON_FOUND)(
    'is found: %s, from seed %d on',
    async (name, seed) => {
      const { failed } = await runSeeds(seedsFrom(seed, 40), { mutation: MUTANTS[name] });
      expect(failed).toBeDefined();
      // A change of the simulation may move it by forty seeds.
    },
    120_000,
  );

  it('comes down to the faults that it needs', async () => {
    const mutation = MUTANTS['no-claim'];
    const { failed } = await runSeeds(seedsFrom(3, 40), { mutation });
    if (failed === undefined) throw new Error('no seed failed');
    const shrunken = await shrink(failed, (keep) => runSeed(failed.seed, { mutation, keep }), 60);
    expect(shrunken.result.violations.length).toBeGreaterThan(0);
    expect(shrunken.strikes.length).toBeLessThan(failed.strikes.length);
  });
});
