import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** The other tests pin every package; who follows the page gets what is newest today. */
it('SIERRA, installed today by the lines of docs/sierra.md, runs the example from manifest to graphs', async () => {
  await sierraVenv(); // for what pygraphviz is built with
  const page = readFileSync(join(root, 'docs/sierra.md'), 'utf8');
  const [, block = ''] = /```sh\n([^`]*pip install sierra-research[^`]*)```/.exec(page) ?? [];
  const lines = block
    .trim()
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toHaveLength(3);
  expect(lines[2]).toContain('npm start --');
  const folder = mkdtempSync(join(tmpdir(), 'sbd-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true });
  const started = `${JSON.stringify(process.execPath)} ${JSON.stringify(join(root, 'local/start/start.ts'))}`;
  const script = ['set -e', ...lines].join('\n').replace('npm start --', started);

  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });

  expect(status, `${stdout}${stderr}`).toBe(0);
  const runs = join(folder, '.sierra-batch/bucket/runs');
  const [run = ''] = readdirSync(runs);
  const summary = JSON.parse(readFileSync(join(runs, run, 'summary.json'), 'utf8'));
  expect(summary).toMatchObject({ outcome: 'succeeded', tasks: { total: 20, succeeded: 20 } });
  const index = readFileSync(join(runs, run, 'outputs/index.json'), 'utf8');
  expect(index.match(/\.png"/g)).toHaveLength(6);
}, 600_000);
