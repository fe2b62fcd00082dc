import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folderOfItsOwn, repository } from './context.ts';

/** The best of several: what else the machine does shall not count. */
const STARTS_WITHIN_MS = 150;

test('what npm packs installs into an empty folder, works there and starts at once', () => {
  const folder = folderOfItsOwn();
  const run = (command: string, args: readonly string[], cwd = folder) => {
    const ended = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 240_000 });
    expect(ended.status, `${command} ${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  };
  run('npm', ['pack', '--pack-destination', folder], repository);
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), '{"private": true}');
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, archive)]);
  run('npx', ['--no-install', 'sierra-batch', 'init']);
  expect(run('npx', ['--no-install', 'sierra-batch', 'validate', 'experiment.yaml'])).toMatch(
    /: ok, 20 tasks/,
  );

  const bin = join(folder, 'node_modules/sierra-batch/bin/sierra-batch.mjs');
  const times = Array.from({ length: 20 }, () => {
    const before = performance.now();
    run(process.execPath, [bin, 'validate', 'experiment.yaml']);
    return performance.now() - before;
  });
  expect(Math.min(...times)).toBeLessThan(STARTS_WITHIN_MS);
});
