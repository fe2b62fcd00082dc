import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringDebianPackages, installAndTell } from './install.ts';
import { pythonVenv } from './python-venv.ts';

/**
 * Real SIERRA in a virtual environment under `.venv-sierra/`. `node scripts/install/sierra-venv.ts` makes those that the tests
 * use.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));

const REQUIREMENTS = {
  '1.5.16': 'test/container/sierra/requirements.txt',
  '1.5.8': 'test/container/sierra/requirements-1.5.8.txt',
} as const;
export type SierraVersion = keyof typeof REQUIREMENTS;

/** The `bin` folder of a virtual environment with that SIERRA, installed now if need be. @throws NotInstalled */
export function sierraVenv(version: SierraVersion = '1.5.16'): Promise<string> {
  return pythonVenv({
    title: `SIERRA ${version} into .venv-sierra/`,
    folder: join(root, '.venv-sierra', version),
    requirements: join(root, REQUIREMENTS[version]),
    // pygraphviz has no wheel.
    before: () =>
      bringDebianPackages(
        ['libgraphviz-dev', 'pkg-config', 'gcc', 'libc6-dev'],
        ['/usr/include/graphviz/cgraph.h', '/usr/bin/pkg-config'],
      ),
    proof: ['sierra-cli', '--version'],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await installAndTell(() => sierraVenv());
  await installAndTell(() => sierraVenv('1.5.8'));
}
