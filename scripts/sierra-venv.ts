import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeVenvAndTell, PythonNotInstalled, pythonVenv, runOrRefuse } from './python-venv.ts';

/**
 * Real SIERRA in a virtual environment under `.venv-sierra/`. `node scripts/sierra-venv.ts` makes the one that the tests
 * use.
 */
const root = fileURLToPath(new URL('..', import.meta.url));

const REQUIREMENTS = {
  '1.5.16': 'test/sierra/requirements.txt',
  '1.5.8': 'test/sierra/requirements-1.5.8.txt',
} as const;
type SierraVersion = keyof typeof REQUIREMENTS;

const BUILD_PACKAGES = ['libgraphviz-dev', 'pkg-config', 'gcc', 'libc6-dev'];
const INSTALL_WITHIN_MS = 10 * 60_000;

/** The `bin` folder of a virtual environment with that SIERRA, installed now if need be. @throws PythonNotInstalled */
export function sierraVenv(version: SierraVersion = '1.5.16'): Promise<string> {
  return pythonVenv({
    title: `SIERRA ${version} into .venv-sierra/`,
    folder: join(root, '.venv-sierra', version),
    requirements: join(root, REQUIREMENTS[version]),
    before: bringBuildPackages,
    proof: ['sierra-cli', '--version'],
  });
}

/** pygraphviz has no wheel. */
function bringBuildPackages(): void {
  if (existsSync('/usr/include/graphviz/cgraph.h') && existsSync('/usr/bin/pkg-config')) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...BUILD_PACKAGES];
  if (process.getuid?.() !== 0)
    throw new PythonNotInstalled(
      `SIERRA needs Debian packages; install them with: sudo ${install.join(' ')}`,
    );
  const [program = '', ...args] = install;
  const once = () => spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_WITHIN_MS }).status === 0;
  if (once()) return;
  runOrRefuse('apt-get', ['update']);
  runOrRefuse(program, args);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await makeVenvAndTell(() => sierraVenv());
