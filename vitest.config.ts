import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongOnesFirst } from './test/sequencer.ts';

/** How long a test that looks again and again does so. Two busy cores are slow at times. */
const expect = { poll: { timeout: 20_000 } };

/** Slow tests of promises that hold within seconds, some of several at once: each file has the machine for itself. */
const ALONE = [
  'test/{container/{fan-out,join}/**/*,container/runner-*,worlds/cluster/faults/*}.slow.test.ts',
];

/**
 * `fast` is `npm test`; `slow` needs root, Python or an image, or waits long, and has the machine for itself; `beside` is as
 * slow, and two files at a time share the machine (`npm run test:slow` is both); `faults` is every fault three times over (`npm run test:faults`).
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    // The ten slowest are named at the end; hundreds of others in between hide what failed.
    slowTestThreshold: Number.POSITIVE_INFINITY,
    passWithNoTests: false,
    sequence: { sequencer: LongOnesFirst },
    projects: [
      {
        test: {
          name: 'fast',
          expect,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          // For what hangs; two busy cores are slow at times.
          testTimeout: 60_000,
          hookTimeout: 120_000,
          // Loading modules anew for each file costs more than most files. Mocks are restored where they are made.
          isolate: false,
          // Some of the files wait for child processes.
          maxWorkers: availableParallelism() + 1,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'slow',
          expect,
          include: ALONE,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'beside',
          expect,
          include: ['test/**/*.slow.test.ts'],
          exclude: ALONE,
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/worlds/cluster/faults/faults*.slow.test.ts'],
          env: { SIERRA_BATCH_FAULT_SEEDS: '3' },
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 3,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
