import { join } from 'node:path';
import { describe, it } from 'vitest';
import { SeededRandom } from '../../../../local/clock/seeded-random.ts';
import { auditBucket } from '../../../experiment/figures/audit-runs.ts';
import type { FaultRunOptions } from './fault-run.ts';
import { FaultRun } from './fault-run.ts';

export interface FaultTest {
  random: SeededRandom;
  start(options: FaultRunOptions): Promise<FaultRun>;
}

/** True where machines can be made: elsewhere these tests are skipped, which CI does not accept. */
const isRoot = process.getuid?.() === 0;

/** One seed, or as many as `npm run test:faults` asks for. */
const SEEDS = Number(process.env.SIERRA_BATCH_FAULT_SEEDS ?? 1);

/** What takes minutes is shorter in the quick set, by the same code. */
export const isQuick = SEEDS === 1;

/** A fault, with every seed; each run is closed whatever becomes of the test. */
export function fault(name: string, test: (context: FaultTest) => Promise<void>): void {
  (isRoot ? describe.concurrent : describe.skip)(name, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1)
      it(`seed ${seed}`, { timeout: isQuick ? 280_000 : 480_000 }, async () => {
        const runs: FaultRun[] = [];
        try {
          await test({
            random: SeededRandom.of(seed, name),
            start: async (options) => {
              const run = await FaultRun.start(options);
              runs.push(run);
              return run;
            },
          });
          for (const run of runs) auditBucket(join(run.folder, 'bucket'), await run.jobs());
        } finally {
          for (const run of runs) await run.close();
        }
      });
  });
}
