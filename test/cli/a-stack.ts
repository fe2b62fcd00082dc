import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { live } from '../../local/live.ts';
import { realClock } from '../../local/real-clock.ts';
import { startSystem } from '../../local/system.ts';
import { folderOfItsOwn, repository } from './context.ts';
import { startFakeStack } from './fake-stack.ts';

/** A local system that a command takes for a stack called lab. @param more of the environment of commands and nodes */
export async function aStack(more: Readonly<Record<string, string>> = {}) {
  const folder = folderOfItsOwn();
  const { nonce, image } = live();
  const nothing = () => undefined;
  const system = await startSystem({
    folder: join(folder, '.sierra-batch'),
    clock: realClock,
    nonce,
    image: { ...image, ...more },
    defaultVcpus: 2,
    logger: { info: nothing, warn: nothing, error: nothing },
  });
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
  return { folder, account, sierraBatch };
}
