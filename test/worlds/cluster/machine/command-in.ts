import { spawn } from 'node:child_process';

/** A command that a cluster needs failed: says which and what it wrote. */
class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

const WITHIN_MS = 20_000;

/** Runs a command and answers what it wrote. @throws CommandFailed */
export function commandIn(command: readonly string[], input = ''): Promise<string> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
    });
    const said = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.err += text;
    });
    child.stdin.on('error', () => undefined); // One that does not read its input ends by itself.
    child.stdin.end(input);
    child.once('error', (error) => reject(new CommandFailed(`${command.join(' ')}: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(said.out);
      else reject(new CommandFailed(`${command.join(' ')} ended with ${code ?? signal}: ${said.err.trim()}`));
    });
  });
}
