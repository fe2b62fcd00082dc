import { defineConfig } from 'vitest/config';

/** How long a test that looks again and again does so. Two busy cores are slow at times. */
const expect = { poll: { timeout: 20_000 } };

/**
 * `fast` is `npm test`; `slow` needs root, Python, a browser or an image (`npm run test:slow`); `faults` is every fault
 * three times over (`npm run test:faults`).
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
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          maxConcurrency: 3,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/cluster/faults*.slow.test.ts'],
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
