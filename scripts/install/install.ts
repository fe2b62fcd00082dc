import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { realClock } from '../../local/clock/real.ts';
import { FolderInUse, lockFolder } from '../../local/util/folder-lock.ts';

const INSTALL_WITHIN_MS = 10 * 60_000;
const OTHER_WAITS_MS = 12 * 60_000;

/** Something that could not be installed: nothing that needs it can be tested, and that is said loudly. */
export class NotInstalled extends Error {
  override readonly name = 'NotInstalled';
}

/** Runs a program to its end. @throws NotInstalled with the last lines that it said */
export function runOrRefuse(program: string, args: readonly string[], cwd?: string): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    encoding: 'utf8',
    timeout: INSTALL_WITHIN_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-25).join('\n');
  throw new NotInstalled(
    `${program} ${args.join(' ')} failed (${error?.message ?? `exit ${status}`}):\n${said}`,
  );
}

/** Debian packages by apt when root, unless all `files` of them are there. @throws NotInstalled with what to type otherwise */
export function bringDebianPackages(packages: readonly string[], files: readonly string[]): void {
  if (files.every((file) => existsSync(file))) return;
  const args = ['install', '-y', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0)
    throw new NotInstalled(`Debian packages are needed; install them with: sudo apt-get ${args.join(' ')}`);
  const { status } = spawnSync('apt-get', args, { encoding: 'utf8', timeout: INSTALL_WITHIN_MS });
  if (status === 0) return;
  runOrRefuse('apt-get', ['update']);
  runOrRefuse('apt-get', args);
}

/** Prints the folder, or why there is none and ends with 2: for scripts that only install. */
export async function installAndTell(make: () => Promise<string>): Promise<void> {
  try {
    console.log(await make());
  } catch (error) {
    console.error(error instanceof NotInstalled ? error.message : error);
    process.exit(2);
  }
}

/** Two test runs in one checkout: the second waits for the first one's installation. @throws FolderInUse after 12 minutes */
export async function lockWhenFree(folder: string): Promise<() => Promise<void>> {
  const until = realClock.now() + OTHER_WAITS_MS;
  for (;;) {
    try {
      return await lockFolder(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse) || realClock.now() > until) throw error;
      await realClock.sleep(500);
    }
  }
}
