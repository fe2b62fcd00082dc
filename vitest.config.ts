import { defineConfig } from 'vitest/config';

/** How long a test that looks again and again does so. Two busy cores are slow at times. */
const expect = { poll: { timeout: 20_000 } };

/** Whole control planes in virtual time: nothing but CPU of one core each, so they share the machine without harm. */
const VIRTUAL_TIME = ['test/worlds/simulation/many-seeds.slow.test.ts'];

/**
 * `fast` is `npm test`; `slow` needs root, Python, a browser or an image, or waits long, and has the machine for itself;
 * `virtual` is long simulations, side by side after it (`npm run test:slow` is both); `faults` is every fault three times
 * over (`npm run test:faults`).
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/reporter.ts'],
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'fast',
          expect,
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'slow',
          expect,
          include: ['test/**/*.slow.test.ts'],
          exclude: VIRTUAL_TIME,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'virtual',
          expect,
          include: VIRTUAL_TIME,
          testTimeout: 900_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
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
        },
      },
    ],
  },
});
