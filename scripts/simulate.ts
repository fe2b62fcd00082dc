import { parseArgs } from 'node:util';
import type { SeedsResult } from '../test/worlds/simulation/many-seeds.ts';
import { neverHappened, runSeeds, seedsFrom } from '../test/worlds/simulation/many-seeds.ts';
import type { SeedOptions, SeedResult } from '../test/worlds/simulation/run-seed.ts';
import { runSeed } from '../test/worlds/simulation/run-seed.ts';
import { shrink } from '../test/worlds/simulation/shrink.ts';

const HELP = `npm run simulate -- --seeds N [--from S]     runs N seeds, from S (1) on
npm run simulate -- --seed S                 runs one seed again and prints all that happened
--hostile                                    tasks write over whatever the job role may, in every run's folder

The real functions and the real state machine under virtual time, in a cloud that loses, doubles, delays and reorders
events, throttles and fails calls, kills functions and nodes. Ends with 1 at the first broken promise: seed, promise, the
last events, and the fewest faults that still break it.
`;

/** So few seeds may well miss a rare fault. */
const ENOUGH_SEEDS = 2000;
const LAST_EVENTS = 50;
const SHRINK_TRIES = 200;
const MAX_STRIKES = 30;

async function main(): Promise<number> {
  const { seeds, from, seed, hostile, help } = parseArgs({
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      hostile: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  }).values;
  if (help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const options: SeedOptions = { hasHostileTasks: hostile };
  if (seed !== undefined) return replay(whole('--seed', seed), options);
  return runMany(whole('--from', from ?? '1'), whole('--seeds', seeds ?? '50'), options);
}

async function replay(seed: number, options: SeedOptions): Promise<number> {
  const result = await runSeed(seed, options);
  process.stdout.write(`${result.trace.join('\n')}\n`);
  tellViolations(result);
  return result.violations.length === 0 ? 0 : 1;
}

async function runMany(from: number, count: number, options: SeedOptions): Promise<number> {
  const startedAt = performance.now();
  const result = await runSeeds(seedsFrom(from, count), options);
  const { failed } = result;
  if (failed !== undefined) {
    await tellFailure(failed, options);
    return 1;
  }
  const missing = neverHappened(result.happened);
  tellTotals(result, (performance.now() - startedAt) / 1000, missing);
  return missing.length > 0 && count >= ENOUGH_SEEDS ? 1 : 0;
}

async function tellFailure(failed: SeedResult, options: SeedOptions): Promise<void> {
  const { seed } = failed;
  console.log(`seed ${seed} breaks a promise:\n`);
  tellViolations(failed);
  const { strikes, result, tries } = await shrink(
    failed,
    (keep) => runSeed(seed, { ...options, keep }),
    SHRINK_TRIES,
  );
  console.log(`\nThe last ${LAST_EVENTS} events, with the fewest faults that still break it:\n`);
  console.log(result.trace.slice(-LAST_EVENTS).join('\n'));
  console.log(`\n${strikes.length} of ${failed.strikes.length} faults are left after ${tries} tries:`);
  console.log(
    `  ${strikes.slice(0, MAX_STRIKES).join('\n  ')}${strikes.length > MAX_STRIKES ? '\n  …' : ''}`,
  );
  console.log(
    `\nAll that happened: npm run simulate -- --seed ${seed}${options.hasHostileTasks === true ? ' --hostile' : ''}`,
  );
}

function tellViolations({ violations }: SeedResult): void {
  for (const { invariant, what } of violations) console.log(`broken: ${invariant}: ${what}`);
}

function tellTotals(
  { seeds, virtualHours, calls, happened }: SeedsResult,
  seconds: number,
  missing: readonly string[],
): void {
  const faults = [...happened].filter(([what]) => what.startsWith('fault '));
  const struck = faults.reduce((sum, [, times]) => sum + times, 0);
  console.log(
    `${seeds} seeds held every promise: ${Math.round(virtualHours)} h of virtual time, ${calls} calls and ${struck} faults of ${faults.length} kinds in ${seconds.toFixed(1)} s (${Math.round((seconds * 1000) / seeds)} ms a seed).`,
  );
  if (missing.length > 0) console.log(`Never happened in these seeds: ${missing.join(', ')}.`);
}

function whole(option: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  console.error(`npm run simulate: ${option} takes a whole number (npm run simulate -- --help tells more)`);
  process.exit(2);
}

process.exitCode = await main();
