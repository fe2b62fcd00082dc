import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { folderOfItsOwn, repository } from './context.ts';

/** The Node that people have, not the one that this clone has installed for itself. */
const path = (process.env.PATH ?? '').split(delimiter).filter((each) => !each.includes('node_modules'));
const env = { PATH: path.join(delimiter), HOME: process.env.HOME, LANG: 'C.UTF-8', CI: 'true' };

test('what npm packs installs into an empty folder, runs an experiment there', async () => {
  const folder = folderOfItsOwn();
  const run = (command: string, args: readonly string[]) => {
    const ended = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', timeout: 240_000 });
    expect(ended.status, `${command} ${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  };
  const sierraBatch = (...args: string[]) => run('npx', ['--no-install', 'sierra-batch', ...args]);
  const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: repository,
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect(packed.status, packed.stderr).toBe(0);
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(
    packed.stdout.slice(packed.stdout.indexOf('[\n')),
  );
  const rest = files.map((file) => file.path).filter((file) => !/^dist\/(cli|local)\//.test(file));
  expect(rest.toSorted()).toEqual([
    'LICENSE',
    'README.md',
    'bin/sierra-batch.mjs',
    'docs/schema/manifest.schema.json',
    'package.json',
    'scripts/install/packages.mjs',
  ]);
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, archive)]);
  // All that it needs is in it.
  expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual([
    'sierra-batch',
  ]);
  // As a newcomer does it, with nothing installed and no file written.
  const [first = ''] =
    run('npx', [
      '--yes',
      '--package',
      join(folder, archive),
      '--',
      'sierra-batch',
      'run',
      'echo {i}',
      'i=1..4',
    ]).match(/^report .*/m) ?? [];
  expect(readFileSync(join(folder, first.replace(/^report +/, '')), 'utf8')).toContain('<!doctype html>');
  sierraBatch('init');
  expect(sierraBatch('validate', 'experiment.yaml')).toMatch(/: ok, 20 tasks/);

  const bin = join(folder, 'node_modules/sierra-batch/bin/sierra-batch.mjs');
  const local = spawn('node', [bin, 'local'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    local.kill('SIGTERM');
  });
  for await (const line of createInterface({ input: local.stdout })) if (line.includes('is up in')) break;
  expect(sierraBatch('submit', 'experiment.yaml', '--watch')).toMatch(/^Succeeded: 20 of 20 tasks/m);
  local.kill('SIGTERM');
  expect(await once(local, 'exit')).toEqual([0, null]);
});
