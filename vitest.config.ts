import { defineConfig } from 'vitest/config';

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
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'slow',
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
