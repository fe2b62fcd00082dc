import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { awsVenv } from '../../scripts/aws-venv.ts';

const UP_WITHIN_MS = 30_000;

/** moto's server in a process of its own: AWS as somebody else understood it. */
export async function startMoto(): Promise<{ url: string; close(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(join(await awsVenv(), 'moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: { PATH: '/usr/bin:/bin', AWS_ACCESS_KEY_ID: 'k', AWS_SECRET_ACCESS_KEY: 's' },
  });
  const closed = new Promise((resolve) => child.once('close', resolve));
  const close = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  for (const until = Date.now() + UP_WITHIN_MS; ; await delay(100)) {
    try {
      await (await fetch(`${url}/moto-api/`, { signal: AbortSignal.timeout(2000) })).arrayBuffer();
      return { url, close };
    } catch (error) {
      if (Date.now() < until && child.exitCode === null) continue;
      await close();
      throw new Error('moto does not come up', { cause: error });
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
