import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLocal } from './local-command.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const venv = join(root, '.venv-bench');
const requirements = join(root, 'bench', 'requirements.txt');

/**
 * A command of the bench's own virtual environment, which is made on first use and again when the requirements change.
 * @throws Error when Python or the packages cannot be had
 */
export async function benchPython(command: string): Promise<string> {
  const stamp = join(venv, 'sierra-batch-requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    console.error('Installing HyperQueue and HyperShell into .venv-bench (once, about 20 s) …');
    await runLocal(['python3', '-m', 'venv', venv], { cwd: root });
    const pip = join(venv, 'bin', 'pip');
    await runLocal([pip, 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      cwd: root,
    });
    writeFileSync(stamp, wanted);
  }
  return join(venv, 'bin', command);
}
