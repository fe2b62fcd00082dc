import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockWhenFree, runOrRefuse } from '../../../scripts/install/install.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const FOLDER = join(root, '.venv-aws', 'event-schema');
const PACKAGE = join(root, 'test/aws/events/event-schema');

/** The folder with AWS's registry of event schemas, installed now if need be. @throws NotInstalled */
export async function eventSchemaFolder(): Promise<string> {
  const release = await lockWhenFree(dirname(FOLDER));
  try {
    const key = readFileSync(join(PACKAGE, 'package-lock.json'), 'utf8');
    const stamp = join(FOLDER, 'sierra-batch-key');
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === key) return FOLDER;
    rmSync(FOLDER, { recursive: true, force: true });
    mkdirSync(FOLDER, { recursive: true });
    for (const file of ['package.json', 'package-lock.json'])
      copyFileSync(join(PACKAGE, file), join(FOLDER, file));
    runOrRefuse('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], FOLDER);
    writeFileSync(stamp, key);
    return FOLDER;
  } finally {
    await release();
  }
}
