import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bringDebianPackages, lockWhenFree, runOrRefuse } from '../../../scripts/install/install.ts';

/**
 * AWS's runtime interface client for Node (what Lambda starts a handler with), under `.venv-aws/runtime-client/`: it is
 * compiled on installing, which `npm ci` of the project shall not wait for.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const FOLDER = join(root, '.venv-aws', 'runtime-client');
const PACKAGE = join(root, 'test/aws/lambda/runtime-client');

/** The path of the client's program, installed now if need be. @throws NotInstalled */
export async function runtimeClient(): Promise<string> {
  const program = join(FOLDER, 'node_modules/aws-lambda-ric/index.mjs');
  const release = await lockWhenFree(dirname(FOLDER));
  try {
    const key = createHash('sha256')
      .update(readFileSync(join(PACKAGE, 'package-lock.json')))
      .digest('hex');
    const stamp = join(FOLDER, 'sierra-batch-key');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return program;
    console.error("Compiling AWS's runtime interface client into .venv-aws/ (once, about 40 s) …");
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(PACKAGE, file), join(FOLDER, file));
    bringDebianPackages(['cmake', 'g++', 'make'], ['/usr/bin/cmake', '/usr/bin/g++', '/usr/bin/make']);
    runOrRefuse('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], FOLDER);
    writeFileSync(stamp, key);
    return program;
  } finally {
    await release();
  }
}
