import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

/**
 * Files that take seconds and more, the longest first: what begins last then ends soon, and no worker is left with one of
 * these while the others have nothing to do. Vitest knows by itself only on a machine where it ran them before.
 */
const LONG_ONES = [
  'container/sierra/real/as-documented',
  'container/sierra/real/iterating',
  'container/sierra/real/surprises',
  'container/sierra/real/interface',
  'container/sierra/real/true-means',
  'scripts/prove/prove',
  'scripts/image/image',
  'scripts/check-aws/linters',
  'functions/settle/hostile-records',
  'docs/pages',
  'aws/calls/calls-outside',
  'worlds/simulation/many-seeds-1',
  'worlds/simulation/many-seeds-2',
  'container/sierra/sierra',
  'container/fan-out/pool/pool',
  'container/runner-endings',
  'container/join/quorum',
  'local/start/faults',
  'local/start/newcomer',
  'local/start/drop-to-report',
  'container/tasks/variables',
  'worlds/simulation/seeds',
  'experiment/manifest/any-bytes',
  'container/join/broken-joins',
];

export class LongOnesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = LONG_ONES.findIndex((name) => moduleId.includes(`/test/${name}.`));
  return at === -1 ? LONG_ONES.length : at;
}
