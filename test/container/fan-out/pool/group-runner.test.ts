import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

it('the shell of a group runner that cannot fork becomes the group runner', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbt-'));
  try {
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, 'environment'), '');
    writeFileSync(join(folder, 'group.pl'), 'print "ran @ARGV\\n"');
    // What the agent has GNU parallel start.
    writeFileSync(
      join(folder, 'parallel'),
      `#!/bin/sh\nfor last; do :; done; printf %s "$last" > ${folder}/new; mv ${folder}/new ${folder}/job`,
    );
    chmodSync(join(folder, 'parallel'), 0o755);
    const agent = RUNNER.replace('group.pl', 'agent.pl');
    const path = `${folder}:${process.env.PATH}`;
    // In a session of its own: it ends whatever is in its session.
    const started = spawn('setsid', ['--wait', 'perl', agent, folder, '1', '1', '127.0.0.1'], {
      env: { PATH: path },
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    const ended = once(started, 'exit');
    await expect.poll(() => existsSync(join(folder, 'job'))).toBe(true);
    started.stdin.end();
    await ended;
    const job = readFileSync(join(folder, 'job'), 'utf8').replaceAll('{}', '7_0');
    // Root may have as many processes as it likes.
    const user = process.getuid?.() === 0 ? { uid: 64_321, gid: 64_321 } : {};
    const start = (limit: string) =>
      spawnSync('/bin/bash', ['-c', `${limit} exec /bin/sh -c "$0"`, job], {
        env: { PATH: process.env.PATH, SIERRA_BATCH_POOL: folder },
        encoding: 'utf8',
        cwd: folder,
        ...user,
      }).stdout;
    expect(start('')).toBe('ran 7_0\n');
    expect(start('ulimit -u 1;')).toBe('ran 7_0\n');
    writeFileSync(join(folder, 'group.pl'), 'exit 2');
    expect(start('')).toBe('X 7_0\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
