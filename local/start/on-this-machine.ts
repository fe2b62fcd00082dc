import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { EXIT } from '../../experiment/records/exit-code.ts';
import { realClock } from '../clock/real.ts';
import type { LocalSurroundings } from '../system/live.ts';
import { live } from '../system/live.ts';
import type { Interruption } from './interruption.ts';
import { listenForInterruption } from './interruption.ts';

/**
 * Does work with a local system, which ends when it is interrupted: for `npm start`, `sierra-batch run` and `local`. Answers
 * its exit code, or that of a machine that cannot do it: no Linux, or no GNU parallel and OpenSSH, which are installed after asking.
 * @param packageFolder of sierra-batch, absolute @param yes installs without asking
 */
export async function onThisMachine(
  packageFolder: string,
  yes: boolean,
  work: (surroundings: LocalSurroundings, interruption: Interruption) => Promise<number>,
): Promise<number> {
  const surroundings = live();
  if (!packagesReady(packageFolder, yes || !surroundings.asks)) return EXIT.badEnvironment;
  const interruption = listenForInterruption(realClock, surroundings.throughNpm);
  try {
    return await work(surroundings, interruption);
  } finally {
    interruption.stop();
  }
}

function packagesReady(packageFolder: string, yes: boolean): boolean {
  if (process.platform !== 'linux') {
    process.stderr.write(
      'sierra-batch: the local system needs Linux. Name a stack on AWS (--stack, SIERRA_BATCH_STACK), or use a Linux machine or container.\n',
    );
    return false;
  }
  const script = join(packageFolder, 'scripts/install/packages.mjs');
  return spawnSync(process.execPath, [script, ...(yes ? ['--yes'] : [])], { stdio: 'inherit' }).status === 0;
}
