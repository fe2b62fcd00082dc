import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RUNNER = fileURLToPath(new URL('../../../../container/fan-out/pool/group.pl', import.meta.url));

it('the group runner reads well with the checks that it goes without', () => {
  const checked = ['-w', '-Mstrict', '-Mwarnings', '-c', RUNNER];
  const { stderr, status } = spawnSync('perl', checked, { encoding: 'utf8' });
  expect(stderr).toBe(`${RUNNER} syntax OK\n`);
  expect(status).toBe(0);
});

it('the group runner loads no module: each would slow its start and the fork of every task', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbt-'));
  try {
    // Told once all is compiled.
    writeFileSync(join(folder, 'Tell.pm'), 'CHECK { print join " ", sort keys %INC } 1;');
    const loaded = execFileSync('perl', [`-I${folder}`, '-MTell', '-c', RUNNER], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(loaded).toBe('Tell.pm');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
