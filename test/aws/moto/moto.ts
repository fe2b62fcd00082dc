import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { awsVenv } from '../../../scripts/install/aws-venv.ts';
import { freePort } from '../../support/http/free-port.ts';

const UP_WITHIN_MS = 30_000;
const IN_VIRTUAL_TIME = fileURLToPath(new URL('moto_in_virtual_time.py', import.meta.url));

/**
 * moto's server in a process of its own: AWS as somebody else understood it.
 * @param functionsPort where its Step Functions engine finds Lambda, and asks for the waits between retries
 */
export async function startMoto(functionsPort?: number): Promise<{ url: string; close(): Promise<void> }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const bin = await awsVenv();
  const [command, script] = functionsPort === undefined ? ['moto_server', []] : ['python', [IN_VIRTUAL_TIME]];
  const child = spawn(join(bin, command), [...script, '-H', '127.0.0.1', '-p', String(port)], {
    stdio: 'ignore',
    env: {
      PATH: '/usr/bin:/bin',
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
      ...(functionsPort === undefined ? {} : { MOTO_PORT: String(functionsPort) }),
    },
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
