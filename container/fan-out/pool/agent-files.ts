import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FanoutRequest } from '../fan-out.ts';

/**
 * Leaves in the attempt's own folder what a connection to a node needs: names that nobody can have looked up before, so no
 * NFS client remembers them as missing. The environment may hold secrets of the user: readable by its owner only.
 */
export async function writeAgentFiles({
  scratch,
  environment,
}: Pick<FanoutRequest, 'scratch' | 'environment'>): Promise<void> {
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const pairs = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`);
  await Promise.all([
    writeFile(join(scratch, 'environment'), pairs.join(''), { mode: 0o600 }),
    // The bundle has the scripts beside it, as the source tree does.
    ...['agent.pl', 'group.pl'].map(async (name) =>
      writeFile(join(scratch, name), await readFile(new URL(`./${name}`, import.meta.url)), { mode: 0o600 }),
    ),
  ]);
}

/** What every group reads: where its commands are, where results go, and what holds for each task. */
export async function writeGroupSettings(request: FanoutRequest): Promise<void> {
  const { scratch, results, workdir, commandsFile, graceMs = 5000, gpus = 0, outputMiB = 0 } = request;
  await Promise.all([mkdir(join(results, '1'), { recursive: true }), mkdir(workdir, { recursive: true })]);
  await writeFile(
    join(scratch, 'settings'),
    [commandsFile, results, workdir, graceMs, gpus, outputMiB].join('\0'),
    {
      mode: 0o600,
    },
  );
}
