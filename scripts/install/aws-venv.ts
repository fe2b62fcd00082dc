import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installAndTell } from './install.ts';
import { pythonVenv } from './python-venv.ts';

/**
 * What judges our AWS side and was not written here: cfn-lint, the SAM command line with AWS's runtime emulator,
 * parliament, botocore's models and moto, in a virtual environment under `.venv-aws/`.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));

/** The `bin` folder of that environment, installed now if need be. @throws NotInstalled */
export function awsVenv(): Promise<string> {
  return pythonVenv({
    title: "AWS's own tools and moto into .venv-aws/",
    folder: join(root, '.venv-aws', 'tools'),
    requirements: join(root, 'test/aws/requirements.txt'),
    proof: ['cfn-lint', '--version'],
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await installAndTell(awsVenv);
