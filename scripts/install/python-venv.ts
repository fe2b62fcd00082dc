import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { lockWhenFree, NotInstalled, runOrRefuse } from './install.ts';

const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];

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
 * under it change. Two processes may ask at once; the second waits. @throws NotInstalled
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

function findPython(): { program: string; version: string } {
  for (const program of PYTHONS) {
    const { stdout = '' } = spawnSync(program, ['-c', 'import sys; print(*sys.version_info[:3], sep=".")'], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const version = stdout?.trim() ?? '';
    if (/^3\.1[0-2]\./.test(version)) return { program, version };
  }
  throw new NotInstalled(`Python 3.10 to 3.12 is needed; none of ${PYTHONS.join(', ')} is that`);
}
