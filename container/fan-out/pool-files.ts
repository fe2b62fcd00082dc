import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FanoutRequest } from './fan-out.ts';

/**
 * Leaves in the attempt's own folder what the nodes read: names that nobody can have looked up before, so no NFS client
 * remembers them as missing. The environment may hold secrets of the user: readable by its owner only.
 */
export async function writePoolFiles(request: FanoutRequest): Promise<void> {
  const { scratch, environment, results, workdir, commandsFile } = request;
  await Promise.all([
    mkdir(scratch, { recursive: true, mode: 0o700 }),
    mkdir(join(results, '1'), { recursive: true }),
    mkdir(workdir, { recursive: true }),
  ]);
  const pairs = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  await Promise.all([
    writeFile(join(scratch, 'environment'), pairs.join(''), { mode: 0o600 }),
    writeFile(join(scratch, 'settings'), [commandsFile, results, workdir].join('\0'), { mode: 0o600 }),
    // The bundle has the scripts beside it, as the source tree does.
    ...['agent.pl', 'group.pl'].map(async (name) =>
      writeFile(join(scratch, name), await readFile(new URL(`./${name}`, import.meta.url)), { mode: 0o600 }),
    ),
  ]);
}
