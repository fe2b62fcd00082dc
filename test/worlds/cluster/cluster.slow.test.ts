import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { realClock } from '../../../local/clock/real.ts';
import { Cluster } from './cluster.ts';
import { leftOfClusters } from './left-of-clusters.ts';
import { clustersOf } from './record.ts';

const SCRIPT = fileURLToPath(new URL('../../../scripts/cluster.ts', import.meta.url));

let shared: string;
let cluster: Cluster | undefined;
/** Of this test's clusters; other tests have theirs on this machine at the same time. */
let ids: string[] = [];
beforeEach(() => {
  shared = mkdtempSync(join(tmpdir(), 'sbc-'));
  ids = [];
});
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
  rmSync(shared, { recursive: true, force: true });
  expect(left()).toEqual([]);
});

function left(): string[] {
  return ids.flatMap((id) => leftOfClusters(id));
}

async function open(machines: number): Promise<Cluster> {
  const opened = await Cluster.open(machines, shared);
  ids.push(opened.id);
  return opened;
}

/** `npm run cluster` in a folder of its own, once its nodes are up. */
async function startCommand(nodes: number) {
  const child = spawn(process.execPath, [SCRIPT, String(nodes)], {
    cwd: shared,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // The keeper cleans up after one that a failed test leaves.
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let said = '';
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exited = once(child, 'exit');
  await until(() => said.includes('Ctrl-C') || child.exitCode !== null, 20_000);
  ids.push(...clustersOf(child.pid ?? 0));
  const machines = [...said.matchAll(/nsenter --target (\d+)/g)].map(([, pid]) => Number(pid));
  return { child, said: () => said, machines, exited };
}

async function until(holds: () => boolean, ms: number): Promise<void> {
  for (const deadline = performance.now() + ms; !holds(); await realClock.sleep(20))
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms`);
}

describe('machines on this machine', () => {
  it('have each an address, a name, a /tmp and processes of its own, and one shared folder', async () => {
    cluster = await open(4);
    writeFileSync(join(shared, 'from-outside'), 'hello');
    const seen = await Promise.all(
      cluster.machines.map(async (machine) => {
        await machine.run('bash', '-c', 'echo $(hostname) > /tmp/mine; echo $(hostname) >> /mnt/efs/all');
        // By itself: it would count the others' commands, too.
        const processes = await machine.run('sh', '-c', 'ls -d /proc/[0-9]* | wc -l');
        const [tmp, address, file] = await Promise.all([
          machine.run('cat', '/tmp/mine'),
          machine.run('ip', '-4', '-o', 'address', 'show', 'eth0'),
          machine.run('cat', '/mnt/efs/from-outside'),
        ]);
        return {
          name: tmp.trim(),
          address: /10\.0\.1\.\d+/.exec(address)?.[0],
          few: Number(processes) < 6,
          file,
        };
      }),
    );
    expect(seen).toEqual(
      [0, 1, 2, 3].map((index) => ({
        name: `node-${index}`,
        address: `10.0.1.${10 + index}`,
        few: true,
        file: 'hello',
      })),
    );
    expect(readFileSync(join(shared, 'all'), 'utf8').trim().split('\n').toSorted()).toEqual(
      [0, 1, 2, 3].map((index) => `node-${index}`),
    );
  });

  it('are up to sixteen', async () => {
    cluster = await open(16);
    const knock = '(exec 3<>/dev/tcp/10.0.1.25/9) 2>&1 || true';
    const heard = await Promise.all(cluster.machines.map((machine) => machine.run('bash', '-c', knock)));
    expect(heard).toHaveLength(16);
    // The last one is there and answers, although nobody listens.
    for (const answer of heard) expect(answer).toContain('Connection refused');
    await cluster.close();
    expect(left()).toEqual([]);
  });

  it('have limits on memory and processes, where cgroups can be used', async ({ skip }) => {
    cluster = await open(2);
    skip(cluster.limits.version === 0);
    const [machine, other] = cluster.machines;
    if (machine === undefined || other === undefined) throw new Error('no machines');
    const { cgroup } = machine.settings;
    cgroup.limit(64, 40);
    const inContainer = async (script: string) => {
      const child = machine.spawnContainer(['bash', '-c', script], { PATH: process.env.PATH ?? '' });
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const [code] = await once(child, 'close');
      return { code, said };
    };
    const kills = cgroup.memoryKills();
    await inContainer(`perl -e 'my $all = "a" x (200 * 1024 * 1024)'`);
    expect(cgroup.memoryKills()).toBeGreaterThan(kills);
    const forks = await inContainer('for n in {1..60}; do sleep 2 & done; wait');
    expect(forks.said).toMatch(/Resource temporarily unavailable/);
    expect(await other.run('bash', '-c', 'for n in {1..60}; do sleep 0.1 & done; wait; echo well')).toBe(
      'well\n',
    );
  });

  it('reach the door on the bridge, which is nowhere outside', async () => {
    cluster = await open(2);
    const { address, port, server } = cluster.door;
    server.on('connection', (socket) => socket.end('inside\n'));
    const [first] = cluster.machines;
    const ask = (to: string) =>
      first?.run('bash', '-c', `exec 3<>/dev/tcp/${to.replace(':', '/')} && cat <&3`).catch(() => 'no way');
    expect(await ask(`${address}:${port}`)).toBe('inside\n');
    expect(await ask('10.0.1.11:9')).toBe('no way');
    // Outside the namespaces nobody has these addresses.
    const outside = spawnSync('ip', ['-4', '-o', 'address', 'show'], { encoding: 'utf8' }).stdout;
    expect(outside).not.toContain('10.0.1.');
  });

  it('that is lost is replaced when it is asked for, by one that knows nothing of it', async () => {
    cluster = await open(2);
    const machine = await cluster.machine(1);
    await machine.run('touch', '/tmp/mine');
    await machine.lose();
    expect(cluster.machines).toHaveLength(1);
    const again = await cluster.machine(1);
    expect(await again.run('sh', '-c', 'test -e /tmp/mine || hostname')).toBe('node-1\n');
  });
});

describe('npm run cluster', () => {
  it('shows the nodes, stays until Ctrl-C and leaves nothing', async () => {
    const { child, said, exited, machines } = await startCommand(3);
    expect(machines).toHaveLength(3);
    expect(said()).toMatch(/node 2 {2}10\.0\.1\.12 {2}nsenter --target \d+ --all --wd=\/ bash/);
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });

  it('gives each an sshd on port 22: any reaches any other by its address, and nobody else gets in', async () => {
    const { child, machines, exited, said } = await startCommand(3);
    expect(machines, said()).toHaveLength(3);
    const on = (machine: number, ...command: string[]) =>
      spawnSync('nsenter', ['--target', String(machines[machine]), '--all', '--wd=/', '--', ...command], {
        encoding: 'utf8',
        timeout: 20_000,
      });
    for (const [from, to] of [
      [0, 2],
      [1, 0],
      [2, 2],
    ] as const)
      expect(on(from, 'ssh', '-o', 'BatchMode=yes', `10.0.1.${10 + to}`, 'hostname')).toMatchObject({
        status: 0,
        stdout: `node-${to}\n`,
        stderr: '',
      });
    // As a user of SIERRA would try it.
    const nodes = 'printf "10.0.1.10\\n10.0.1.11\\n10.0.1.12\\n" > /mnt/efs/nodes';
    const line =
      'seq 6 | parallel --will-cite --jobs 1 --sshloginfile /mnt/efs/nodes "hostname; sleep 0.5; : {}"';
    const spread = on(0, 'bash', '-c', `${nodes}; export HOME=/tmp; ${line}`);
    expect(spread.stderr).toBe('');
    expect(new Set(spread.stdout.trim().split('\n'))).toEqual(new Set(['node-0', 'node-1', 'node-2']));
    const withoutKey = on(
      1,
      'ssh',
      '-F',
      'none',
      '-o',
      'BatchMode=yes',
      '-o',
      'StrictHostKeyChecking=no',
      '10.0.1.10',
      'true',
    );
    expect(withoutKey.status).toBe(255);
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });

  it('that is killed with -9 leaves nothing either, not even a frozen machine', async () => {
    const { child, machines } = await startCommand(2);
    const held = machines[0] ?? 0;
    // Frozen with SIGSTOP: process 1 of that machine does not see that its owner is gone.
    process.kill(held, 'SIGSTOP');
    child.kill('SIGKILL');
    await until(() => left().length === 0, 10_000);
  });

  it('whose keeper is killed as well is removed by the next start', async () => {
    const { child, machines, exited } = await startCommand(2);
    process.kill(machines[0] ?? 0, 'SIGSTOP');
    const keeper = left()
      .find((line) => line.includes('keeper.ts'))
      ?.split(' ')[1];
    process.kill(Number(keeper), 'SIGKILL');
    child.kill('SIGKILL');
    await exited;
    expect(left()).not.toEqual([]);
    cluster = await open(1);
    await cluster.close();
    cluster = undefined;
    expect(left()).toEqual([]);
  });

  it('runs the tasks of a manifest as the person who typed sudo, with no right of root’s', () => {
    const passwd = join(shared, 'passwd');
    const line = `sbuser:x:4242:4343::${shared}/home:/bin/bash\n`;
    writeFileSync(passwd, readFileSync('/etc/passwd', 'utf8') + line);
    const who = 'echo "$(id -u):$(id -g) $HOME $(grep CapEff /proc/self/status)"; cat /etc/shadow; true';
    const manifest = {
      apiVersion: 'sierra-batch/v1',
      name: 'who',
      cluster: { nodes: 2, vcpus: 1, memory: '256MiB' },
      run: { commands: { list: [`(${who}) > who.txt`] } },
      outputs: ['who.txt'],
    };
    writeFileSync(join(shared, 'm.json'), JSON.stringify(manifest));
    const mounted = `mount --bind ${passwd} /etc/passwd && exec "$@"`;
    const ran = spawnSync(
      'unshare',
      ['--mount', 'bash', '-c', mounted, 'mounted', process.execPath, SCRIPT, '2', 'm.json'],
      { cwd: shared, encoding: 'utf8', env: { ...process.env, SUDO_UID: '4242', SUDO_GID: '4343' } },
    );
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
    const [who1 = ''] = globSync(join(shared, '.sierra-batch/bucket/runs/*/outputs/who.txt'));
    expect(readFileSync(who1, 'utf8')).toBe(`4242:4343 ${shared}/home CapEff:\t0000000000000000\n`);
  });

  it('says what is wrong and ends with 2: no root, no number, too many', () => {
    const as = (user: string[], ...args: string[]) =>
      spawnSync('setpriv', [...user, process.execPath, SCRIPT, ...args], {
        cwd: '/',
        encoding: 'utf8',
        timeout: 20_000,
      });
    const nobody = ['--reuid', '65534', '--regid', '65534', '--clear-groups'];
    const folder = mkdtempSync(join(tmpdir(), 'sbn-'));
    try {
      spawnSync('chown', ['65534', folder]);
      const refused = spawnSync('setpriv', [...nobody, process.execPath, SCRIPT, '2'], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect({ status: refused.status, said: refused.stderr }).toEqual({
        status: 2,
        said: expect.stringContaining('need root'),
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(as(['--reuid', '0'], 'many')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('how many nodes?'),
    });
    expect(as(['--reuid', '0'], '17')).toMatchObject({ status: 2 });
  });
});
