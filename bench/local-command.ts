import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { childrenCpuMs } from './cpu-time.ts';

export interface LocalRun {
  seconds: number;
  cpuMs: number;
  /** What it printed, if it was asked to be kept. */
  stdout: string;
}

/**
 * Runs a command with a file as its input and measures time and CPU, its children's included. It goes when this process
 * does: GNU parallel, asked to end, would first wait for its jobs.
 * @throws Error with the end of what it wrote when it fails
 */
export async function runLocal(
  command: readonly [string, ...string[]],
  options: { input?: string; cwd: string; env?: Record<string, string>; keepOutput?: boolean },
): Promise<LocalRun> {
  const [file, ...args] = command;
  const before = childrenCpuMs();
  const begin = performance.now();
  const input = options.input === undefined ? undefined : openSync(options.input, 'r');
  const child = spawn(file, args, {
    cwd: options.cwd,
    stdio: [input ?? 'ignore', options.keepOutput === true ? 'pipe' : 'ignore', 'pipe'],
    env: { ...process.env, ...options.env },
    detached: true,
  });
  const goAlong = () => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  };
  process.once('exit', goAlong);
  if (input !== undefined) closeSync(input);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-2000);
  });
  const [code, signal] = await once(child, 'close').finally(() => process.off('exit', goAlong));
  const seconds = (performance.now() - begin) / 1000;
  if (code !== 0) throw new Error(`${file} ended with ${code ?? signal}: ${stderr.trim()}`);
  return { seconds, cpuMs: childrenCpuMs() - before, stdout };
}
