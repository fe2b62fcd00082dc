import { spawn } from 'node:child_process';
import { defined } from '../../experiment/util/defined.ts';

export interface CommandOutput {
  /** null when it could not be started, or was ended by a signal or the time limit. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why it has no code, in a sentence. */
  failed?: string;
}

/** Runs a short command to its end, with a deadline and at most 1 MiB of each stream kept. Never rejects. */
export function commandOutput(
  file: string,
  args: readonly string[],
  options: { timeoutMs: number; env?: Readonly<NodeJS.ProcessEnv>; cwd?: string },
): Promise<CommandOutput> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...defined({ env: options.env, cwd: options.cwd }),
    });
    let failed: string | undefined;
    const stdout = new Kept();
    const stderr = new Kept();
    child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
    const end = (code: number | null) => {
      resolve({
        code,
        stdout: stdout.text(),
        stderr: stderr.text(),
        ...(failed === undefined ? {} : { failed }),
      });
    };
    child.once('error', (error) => {
      failed = error.message;
      end(null);
    });
    child.once('close', (code, signal) => {
      if (child.killed) failed ??= `${file} did not end within ${options.timeoutMs / 1000} s`;
      else if (code === null) failed ??= `${file} was ended by ${signal}`;
      end(code);
    });
  });
}

class Kept {
  #chunks: Buffer[] = [];
  #bytes = 0;

  add(chunk: Buffer): void {
    if (this.#bytes >= 1024 * 1024) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}
