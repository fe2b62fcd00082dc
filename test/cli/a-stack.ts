import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startQuietSystem } from '../../local/start/quiet-system.ts';
import { live } from '../../local/system/live.ts';
import { folderOfItsOwn, repository } from './context.ts';
import { startFakeStack } from './fake-stack.ts';

/** A local system that a command takes for a stack called lab. @param more of the environment of commands and nodes */
export async function aStack(more: Readonly<Record<string, string>> = {}) {
  const folder = folderOfItsOwn();
  const image = { ...live().image, ...more };
  const system = await startQuietSystem(join(folder, '.sierra-batch'), { image });
  const { account, environment, close } = await startFakeStack(system);
  onTestFinished(async () => {
    await close();
    await system.close();
  });
  const sierraBatch = async (...args: string[]) => {
    const child = spawn(process.execPath, [join(repository, 'cli/main.ts'), ...args, '--stack', 'lab'], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, CI: 'true', ...environment, ...more },
      timeout: 60_000,
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      err += data.toString();
    });
    const [code]: unknown[] = await once(child, 'close');
    return { code, out, err };
  };
  /** Brings inputs there, and answers what writes this manifest with commands of its own. */
  const bringProject = (manifest: { run: object }) => {
    mkdirSync(join(folder, 'project'));
    writeFileSync(join(folder, 'project/word'), 'hello');
    return (name: string, list: readonly string[]) => {
      const run = { ...manifest.run, commands: { list } };
      writeFileSync(join(folder, name), JSON.stringify({ ...manifest, run }));
    };
  };
  return { folder, account, sierraBatch, bringProject };
}
