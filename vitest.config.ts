import { defineConfig } from 'vitest/config';

/** Two projects: `fast` is `npm test`, `slow` needs root, Python, a browser or an image (`npm run test:slow`). */
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
        },
      },
    ],
  },
});
