import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockWhenFree, runOrRefuse } from './install.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Packages that `npm ci` of the project shall not wait for, under `.venv-aws/`: installed when their lock changes.
 * @param source holds their package.json and package-lock.json; relative to the project
 * @param before what they need to be built
 * @returns the folder that has their node_modules @throws NotInstalled
 */
export async function npmFolder(source: string, title: string, before?: () => void): Promise<string> {
  const folder = join(ROOT, '.venv-aws', basename(source));
  const release = await lockWhenFree(dirname(folder));
  try {
    const lock = readFileSync(join(ROOT, source, 'package-lock.json'));
    const key = createHash('sha256').update(lock).digest('hex');
    const stamp = join(folder, 'sierra-batch-key');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return folder;
    console.error(`Installing ${title} into .venv-aws/ (once) …`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(ROOT, source, file), join(folder, file));
    before?.();
    runOrRefuse('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder);
    writeFileSync(stamp, key);
    return folder;
  } finally {
    await release();
  }
}
