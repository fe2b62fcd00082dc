import { spawn } from 'node:child_process';

export interface CommandOutput {
  /** null when it could not be started, or was ended by a signal or the time limit. */
  code: number | null;
  stdout: string;
  stderr: string;
  /** Why it has no code, in a sentence. */
  failed?: string;
}

interface Options {
  timeoutMs: number;
  env?: Readonly<NodeJS.ProcessEnv>;
  cwd?: string;
  input?: string;
}

/** Runs a short command to its end, with a deadline and at most 1 MiB of each stream kept. Never rejects. */
export function commandOutput(
  file: string,
  args: readonly string[],
  { timeoutMs, input, ...place }: Options,
): Promise<CommandOutput> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      ...place,
    });
    child.stdin.on('error', () => undefined); // One that does not read its input ends by itself.
    child.stdin.end(input);
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
      if (child.killed) failed ??= `${file} did not end within ${timeoutMs / 1000} s`;
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
