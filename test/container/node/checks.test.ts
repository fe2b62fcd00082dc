import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkNode } from '../../../container/node/checks.ts';
import type { RunnerConfig } from '../../../container/process/environment.ts';

const USER = { uid: 1000, name: 'someone', shell: '/bin/bash' };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sbt-'));
  mkdirSync(join(folder, 'shared'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function config(change: Partial<RunnerConfig> = {}): RunnerConfig {
  return {
    bucket: 'bucket',
    runId: 'a-0123456789a',
    shared: join(folder, 'shared'),
    joinPort: 7741,
    sshPort: 22,
    jobId: 'job',
    attempt: 1,
    index: 3,
    mainIndex: 0,
    nodes: 4,
    inContainer: false,
    progressSeconds: 10,
    stopSeconds: 30,
    variables: { PATH: process.env.PATH ?? '' },
    ...change,
  };
}

/** A PATH with nothing but programs that print these words. */
function programs(printing: Record<string, string>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, words] of Object.entries(printing)) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${words}'\n`);
    chmodSync(join(bin, name), 0o755);
  }
  vi.stubEnv('PATH', bin);
  return bin;
}

async function faultsOf(change: Partial<RunnerConfig> = {}, user: Parameters<typeof checkNode>[1] = USER) {
  const { faults } = await checkNode(config(change), user);
  return Object.fromEntries(faults.map(({ check, what, todo }) => [check, `${what}: ${todo}`]));
}

describe('what a node finds out by itself', () => {
  it('is nothing where all is right; versions and CPUs are told, and nothing is left on shared storage', async () => {
    const { faults, versions, cpus, sshd } = await checkNode(config(), USER);
    expect(faults).toEqual([]);
    expect(versions).toEqual({
      bash: expect.stringMatching(/^\d+\.\d+$/),
      ssh: expect.stringMatching(/^\d+\.\d+$/),
      parallel: expect.stringMatching(/^20\d{6}$/),
    });
    expect(cpus).toBeGreaterThan(0);
    expect(sshd).toMatch(/^\/.*sshd$/);
    expect(readdirSync(join(folder, 'shared'))).toEqual([]);
  });

  it('is told all at once, each with its node and what to do', async () => {
    programs({});
    const { faults } = await checkNode(config({ shared: join(folder, 'nothing') }), { uid: 4711 });
    expect(faults.map(({ check }) => check).toSorted()).toEqual([
      'no-account',
      'no-bash',
      'no-parallel',
      'no-ssh',
      'shared-storage-not-mounted',
    ]);
    for (const { node, what, todo } of faults) {
      expect(node).toBe(3);
      expect(what).not.toBe('');
      expect(todo.length).toBeGreaterThan(10);
    }
  });

  it('are versions that are too old, and a `parallel` that is not GNU’s', async () => {
    programs({
      bash: 'GNU bash, version 3.2.57',
      ssh: 'OpenSSH_7.4p1',
      parallel: 'parallel [OPTIONS] command',
    });
    const faults = await faultsOf();
    expect(Object.keys(faults).toSorted()).toEqual(['no-parallel', 'old-bash', 'old-ssh']);
    expect(faults['old-bash']).toMatch(/version 3\.2: install bash 4/);
    expect(faults['old-ssh']).toMatch(/version 7\.4: .*openssh-client 8/);
    expect(faults['no-parallel']).toMatch(/it answered: parallel \[OPTIONS\].*: .*not moreutils/);
  });

  it('is a GNU parallel of before 2018', async () => {
    programs({ bash: 'GNU bash, version 5.2.1', ssh: 'OpenSSH_10.0p2', parallel: 'GNU parallel 20170122' });
    expect(await faultsOf()).toEqual({ 'old-parallel': expect.stringContaining('20170122') });
  });

  it('is an account that cannot log in', async () => {
    const faults = await faultsOf({}, { ...USER, shell: '/usr/sbin/nologin' });
    expect(faults).toEqual({ 'no-login-shell': expect.stringContaining('someone') });
  });

  it('is shared storage that is only a folder of the image, in a container', async () => {
    const root = statSync('/').dev;
    const ofImage = [folder, fileURLToPath(new URL('..', import.meta.url))].find(
      (one) => statSync(one).dev === root,
    );
    const mounted = await faultsOf({ inContainer: true, shared: '/proc' });
    expect(mounted).not.toHaveProperty('shared-storage-not-mounted');
    expect(await faultsOf({ inContainer: true, shared: ofImage ?? '/' })).toMatchObject({
      'shared-storage-not-mounted': expect.stringContaining('nothing is mounted there'),
    });
  });

  it('is shared storage that is a file, or that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await faultsOf({ shared: join(folder, 'file') })).toHaveProperty('shared-storage-not-mounted');
    // Nobody, not even root, can make a folder there.
    expect(await faultsOf({ shared: '/proc' })).toEqual({
      'shared-storage-not-writable': expect.stringMatching(/\/proc: .*access point/),
    });
  });

  it('is a full disk', async () => {
    vi.stubEnv('TMPDIR', '/proc'); // has room for nothing
    expect(await faultsOf()).toEqual({
      'no-space-in-tmp': expect.stringMatching(/^\/proc has 0 MiB free, under 32/),
    });
  });
});
