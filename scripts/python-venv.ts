import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FolderInUse, lockFolder } from '../local/lock.ts';

const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];
const INSTALL_WITHIN_MS = 10 * 60_000;
const OTHER_WAITS_MS = 12 * 60_000;

/** Packages of Python that could not be installed: nothing that needs them can be tested, and that is said loudly. */
export class PythonNotInstalled extends Error {
  override readonly name = 'PythonNotInstalled';
}

export interface VenvSettings {
  /** What is in it, for people. */
  title: string;
  /** Absolute. The folder around it is locked meanwhile. */
  folder: string;
  /** Absolute path of a file of exact versions. */
  requirements: string;
  /** What the packages need to be built. */
  before?: () => void;
  /** A command of the environment that must work, so that a broken one is not kept. */
  proof: readonly [command: string, ...args: string[]];
}

/**
 * The `bin` folder of a virtual environment that is kept between runs: made anew only when its requirements or the Python
 * under it change. Two processes may ask at once; the second waits. @throws PythonNotInstalled
 */
export async function pythonVenv(settings: VenvSettings): Promise<string> {
  const { folder, requirements, proof } = settings;
  const release = await lockWhenFree(dirname(folder));
  try {
    const python = findPython();
    const key = createHash('sha256').update(readFileSync(requirements)).update(python.version).digest('hex');
    const stamp = join(folder, 'sierra-batch-key');
    const bin = join(folder, 'bin');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return bin;
    console.error(`Installing ${settings.title} (once, about a minute) …`);
    rmSync(folder, { recursive: true, force: true });
    settings.before?.();
    runOrRefuse(python.program, ['-m', 'venv', folder]);
    const pip = ['install', '--disable-pip-version-check', '--no-input', '-r', requirements];
    runOrRefuse(join(bin, 'pip'), pip);
    const [command, ...args] = proof;
    runOrRefuse(join(bin, command), args);
    writeFileSync(stamp, key);
    return bin;
  } finally {
    await release();
  }
}

/** Runs a program to its end. @throws PythonNotInstalled with the last lines that it said */
export function runOrRefuse(program: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: INSTALL_WITHIN_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-25).join('\n');
  throw new PythonNotInstalled(
    `${program} ${args.join(' ')} failed (${error?.message ?? `exit ${status}`}):\n${said}`,
  );
}

/** Prints the `bin` folder, or why there is none and ends with 2: for scripts that only make an environment. */
export async function makeVenvAndTell(make: () => Promise<string>): Promise<void> {
  try {
    console.log(await make());
  } catch (error) {
    console.error(error instanceof PythonNotInstalled ? error.message : error);
    process.exit(2);
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
  throw new PythonNotInstalled(`Python 3.10 to 3.12 is needed; none of ${PYTHONS.join(', ')} is that`);
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
