import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FolderInUse, lockFolder } from '../local/lock.ts';

/**
 * Real SIERRA in a virtual environment under `.venv-sierra/`, kept between runs: made anew only when its requirements or
 * the Python under it change. `node scripts/sierra-venv.ts` makes the one that the tests use.
 */
const root = fileURLToPath(new URL('..', import.meta.url));

const REQUIREMENTS = {
  '1.5.16': 'test/sierra/requirements.txt',
  '1.5.8': 'test/sierra/requirements-1.5.8.txt',
} as const;
type SierraVersion = keyof typeof REQUIREMENTS;

const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];
const BUILD_PACKAGES = ['libgraphviz-dev', 'pkg-config', 'gcc', 'libc6-dev'];
const INSTALL_WITHIN_MS = 10 * 60_000;
const OTHER_WAITS_MS = 12 * 60_000;

/** SIERRA could not be installed: nothing that needs it can be tested, and that is said loudly. */
export class SierraNotInstalled extends Error {
  override readonly name = 'SierraNotInstalled';
}

/** The `bin` folder of a virtual environment with that SIERRA, installed now if need be. @throws SierraNotInstalled */
export async function sierraVenv(version: SierraVersion = '1.5.16'): Promise<string> {
  const folder = join(root, '.venv-sierra', version);
  const release = await lockWhenFree(join(root, '.venv-sierra'));
  try {
    const python = findPython();
    const requirements = join(root, REQUIREMENTS[version]);
    const key = createHash('sha256').update(readFileSync(requirements)).update(python.version).digest('hex');
    const stamp = join(folder, 'sierra-batch-key');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return join(folder, 'bin');
    console.error(`Installing SIERRA ${version} into .venv-sierra/ (once, about 90 s) …`);
    rmSync(folder, { recursive: true, force: true });
    bringBuildPackages();
    run(python.program, ['-m', 'venv', folder]);
    run(join(folder, 'bin/pip'), [
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '-r',
      requirements,
    ]);
    run(join(folder, 'bin/sierra-cli'), ['--version']);
    writeFileSync(stamp, key);
    return join(folder, 'bin');
  } finally {
    await release();
  }
}

function findPython(): { program: string; version: string } {
  for (const program of PYTHONS) {
    const { stdout = '' } = spawnSync(program, ['-c', 'import sys; print(*sys.version_info[:3], sep=".")'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const version = stdout?.trim() ?? '';
    if (/^3\.1[0-2]\./.test(version)) return { program, version };
  }
  throw new SierraNotInstalled(`SIERRA needs Python 3.10 to 3.12; none of ${PYTHONS.join(', ')} is that`);
}

/** pygraphviz has no wheel. */
function bringBuildPackages(): void {
  if (existsSync('/usr/include/graphviz/cgraph.h') && existsSync('/usr/bin/pkg-config')) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...BUILD_PACKAGES];
  if (process.getuid?.() !== 0)
    throw new SierraNotInstalled(
      `SIERRA needs Debian packages; install them with: sudo ${install.join(' ')}`,
    );
  const [program = '', ...args] = install;
  const once = () => spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_WITHIN_MS }).status === 0;
  if (once()) return;
  run('apt-get', ['update']);
  run(program, args);
}

function run(program: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: INSTALL_WITHIN_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-25).join('\n');
  throw new SierraNotInstalled(
    `${program} ${args.join(' ')} failed (${error?.message ?? `exit ${status}`}):\n${said}`,
  );
}

/** Two test runs in one checkout: the second waits for the first one's installation. */
async function lockWhenFree(folder: string): Promise<() => Promise<void>> {
  const until = Date.now() + OTHER_WAITS_MS;
  for (;;) {
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse) || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(join(root, '.venv-sierra'), { recursive: true });
  try {
    console.log(await sierraVenv());
  } catch (error) {
    console.error(error instanceof SierraNotInstalled ? error.message : error);
    process.exit(2);
  }
}
