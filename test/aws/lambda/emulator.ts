import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { awsVenv } from '../../../scripts/install/aws-venv.ts';
import { freePort } from '../../support/http/free-port.ts';
import { runtimeClient } from './runtime-client.ts';

const UP_WITHIN_MS = 20_000;
const ANSWER_WITHIN_MS = 60_000;

export interface EmulatedFunction {
  /** What Lambda answers: the handler's result, or `{errorType, errorMessage, trace}`. */
  invoke(event: unknown): Promise<unknown>;
  /** All that the emulator and the function wrote. */
  log(): string;
  close(): Promise<void>;
}

/**
 * A bundle in AWS's runtime emulator, started by AWS's runtime client under this Node, as Lambda would: it calls
 * `index.handler`, and nothing of this process's environment reaches it.
 */
export async function emulateFunction(
  folder: string,
  environment: Readonly<Record<string, string>>,
): Promise<EmulatedFunction> {
  const lib = join(await awsVenv(), '../lib');
  const [python = ''] = await readdir(lib);
  const machine = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const [port, apiPort] = [await freePort(), await freePort()];
  const child = spawn(
    join(lib, python, 'site-packages/samcli/local/rapid', `aws-lambda-rie-${machine}`),
    [
      '--runtime-interface-emulator-address',
      `127.0.0.1:${port}`,
      '--runtime-api-address',
      `127.0.0.1:${apiPort}`,
      process.execPath,
      await runtimeClient(),
      'index.handler',
    ],
    {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        AWS_LAMBDA_FUNCTION_TIMEOUT: '60',
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1024',
        LAMBDA_TASK_ROOT: folder,
        ...environment,
      },
    },
  );
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      written += chunk.toString();
    });
  const url = `http://127.0.0.1:${port}/2015-03-31/functions/function/invocations`;
  try {
    await untilListening(url, child);
  } catch (error) {
    await end(child);
    throw new Error(`the emulator does not come up: ${written}`, { cause: error });
  }
  return {
    log: () => written,
    invoke: async (event) => {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const answer = await response.text();
      const parsed: unknown = JSON.parse(answer);
      return parsed;
    },
    close: () => end(child),
  };
}

/** Any answer will do: a GET is refused without calling the function. */
async function untilListening(url: string, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + UP_WITHIN_MS; ; ) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    try {
      await (await fetch(new URL('/', url), { signal: AbortSignal.timeout(1000) })).arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await delay(50);
    }
  }
}

/** The emulator with the function that it started: both are in its process group. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  process.kill(-child.pid, 'SIGKILL');
  await closed;
}
