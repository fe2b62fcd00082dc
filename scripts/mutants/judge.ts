import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { TestModule, TestSpecification } from 'vitest/node';
import { createVitest } from 'vitest/node';
import type { Mutant } from './mutate.ts';
import { withMutants } from './mutate.ts';

/** Which mutant is to be awake (0: none) in which test files, in this order; or, where none are named, in all. */
export interface Order {
  readonly mutant: number;
  readonly tests?: readonly string[];
}
export interface Verdict {
  readonly failed: readonly string[];
  readonly ran: readonly {
    readonly test: string;
    readonly ms: number;
    readonly reached: readonly number[];
  }[];
}
export interface Setup {
  readonly mutants: readonly Mutant[];
  /** Files of tests that are in-process. */
  readonly include: readonly string[];
  /** Whether one failure is enough. */
  readonly bail: boolean;
}

const root = process.cwd();

/** A process of its own with one Vitest, which the caller kills when an order takes too long. */
process.once('disconnect', () => process.exit(1));
process.once('message', (setup: Setup) => void serve(setup));

async function serve({ mutants, include, bail }: Setup): Promise<void> {
  const byFile = Map.groupBy(mutants, ({ file }) => file);
  const vitest = await createVitest(
    'test',
    {
      root,
      config: false,
      watch: false,
      // Its key knows nothing of the plugin below.
      fsModuleCache: false,
      reporters: [{}],
      include: [...include],
      setupFiles: ['scripts/mutants/setup.ts'],
      pool: 'threads',
      maxWorkers: bail ? 1 : 2,
      bail: bail ? 1 : 0,
      testTimeout: 10_000,
      sequence: { sequencer: InOrder },
    },
    {
      plugins: [
        {
          name: 'mutants',
          enforce: 'pre',
          transform(_code, id) {
            const drawn = byFile.get(relative(root, id));
            return drawn === undefined
              ? null
              : { code: withMutants(readFileSync(id, 'utf8'), drawn), map: null };
          },
        },
      ],
    },
  );
  const specifications = await vitest.globTestSpecifications();
  const known = new Map(specifications.map((one) => [relative(root, one.moduleId), one]));
  process.on('message', ({ mutant, tests }: Order) => {
    const chosen = (tests ?? [...known.keys()]).flatMap((test) => known.get(test) ?? []);
    vitest.provide('mutant', mutant);
    // Else it counts what failed in earlier runs.
    vitest.state.filesMap.clear();
    vitest.state.idMap.clear();
    void vitest.runTestSpecifications(chosen).then(({ testModules, unhandledErrors }) => {
      const verdict: Verdict = {
        failed: [
          ...testModules.filter((one) => one.state() === 'failed').map(failure),
          ...unhandledErrors.map(String),
        ],
        ran: testModules.map((one) => ({
          test: relative(root, one.moduleId),
          ms: one.diagnostic().duration,
          reached: one.meta().reached ?? [],
        })),
      };
      process.send?.(verdict);
    });
  });
  process.send?.('ready');
}

function failure(module: TestModule): string {
  const [test] = module.children.allTests('failed');
  const [error] = test?.result().errors ?? module.errors();
  return `${relative(root, module.moduleId)}: ${test?.name ?? 'does not load'}: ${error?.message.split('\n', 1)[0] ?? ''}`;
}

/** Vitest's own order begins with the largest file; the nearest one finds most mutants. */
class InOrder {
  sort(files: TestSpecification[]): TestSpecification[] {
    return files;
  }

  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
}
