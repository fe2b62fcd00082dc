import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * Whether the local system can start here: on Linux, with GNU parallel and OpenSSH, which are installed after asking.
 * @param packageFolder of sierra-batch, absolute @param yes installs without asking
 */
export function packagesReady(packageFolder: string, yes: boolean): boolean {
  if (process.platform !== 'linux') {
    process.stderr.write(
      'sierra-batch: the local system needs Linux. Name a stack on AWS (--stack, SIERRA_BATCH_STACK), or use a Linux machine or container.\n',
    );
    return false;
  }
  const script = join(packageFolder, 'scripts/install/packages.mjs');
  return spawnSync(process.execPath, [script, ...(yes ? ['--yes'] : [])], { stdio: 'inherit' }).status === 0;
}
