import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import { parseJoblog, parseJoblogRow } from '../../../../experiment/results/joblog.ts';
import { realClock } from '../../../../local/clock/real.ts';
import { readText } from '../../../../test/aws/read-object.ts';
import { killSshd, runnerOn } from '../on-machines.ts';
import { compiled } from './compiled.ts';
import { measured, task } from './fault-run.ts';
import { fault } from './fault-test.ts';
import { expectOnce, expectSound } from './soundness.ts';

const FAKED_SYSCALL = fileURLToPath(new URL('faked-syscall.c', import.meta.url));
const NOTICED_MS = 15_000;
const SLACK_MS = 2000;

const tasks = (count: number, seconds: number) => Array.from({ length: count }, () => task(seconds));

fault('tasks that end badly: each has its row, and nobody else is touched', async ({ start }) => {
  const MEMORY = `perl -e 'my $all = "a" x (900 * 1024 * 1024); sleep 60'`;
  const HUNDRED_MB = 'head -c 100000000 /dev/zero';
  const bad: [command: string, exitval: number][] = [
    [MEMORY, 137],
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143],
    ['kill -SEGV $$', 139],
    ['exit 255', 255],
    [HUNDRED_MB, 0],
    [`${HUNDRED_MB} >&2; echo the end >&2; exit 3`, 3],
    [`trap '' TERM; sleep 120`, 124],
    ['setsid sleep 120; true', 124],
    // A task has ended when its processes have; what left them in a session of its own holds nothing.
    ['sleep 120 > /dev/null 2>&1 & echo left', 124],
    ['setsid sleep 120 > /dev/null 2>&1 & echo left', 0],
  ];
  const commands = [...bad.map(([command]) => command), ...tasks(10, 1)];
  const run = await start({ nodes: 2, commands, manifest: { timeouts: { task: '6s', grace: '1s' } } });
  const { exitCode, rows, nodes, progress, summary } = await run.ended();
  expect(exitCode).toBe(1);
  expect(progress.reason).toEqual({ kind: 'tasks-failed', failed: 9, lost: 0 });
  const names = summary.failures.map(({ signature, example }) => [example.seq, signature.split(':')[0]]);
  expect(names.sort(([a], [b]) => Number(a) - Number(b))).toEqual([
    [1, 'out of memory'],
    [2, 'signal 9 (KILL)'],
    [3, 'signal 15 (TERM)'],
    [4, 'signal 11 (SEGV)'],
    [5, 'exit 255'],
    [7, 'exit 3'],
    [8, 'time limit'],
  ]);
  expect(summary.why).toContain('alone: it needs more than a node has');
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  expect(bad.map(([command], at) => [command, bySeq.get(at + 1)?.exitval])).toEqual(bad);
  const runtime = (seq: number) => bySeq.get(seq)?.runtime ?? Number.NaN;
  measured('a task outlives timeouts.task of 6 s and TERM', 'ended after', runtime(8) * 1000);
  expect(runtime(8)).toBeGreaterThan(6);
  expect(runtime(8)).toBeLessThan(6 + 2);
  expect(runtime(11)).toBeLessThan(3);
  expect(bySeq.get(6)?.receive).toBe(100_000_000);
  const { s3, bucket } = run.system;
  const sent = (await readText(s3, bucket, runKeys(run.runId).taskOutput(7, 'err'))) ?? '';
  expect(sent.length).toBe(64 * 1024);
  expect(sent).toMatch(/the end\n$/);
  expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
  expect(run.events(0, 'Node:ChannelLost')).toEqual([]);
  expectSound(run, rows, commands.length);
  expect(run.said().filter(({ what }) => what === 'began')).toHaveLength(10);
  await run.clean();
});

fault('SIGTERM to node 0: it ends with 143, and everything with it', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(12, 100) });
  await run.tasksOn(0, 1, 2);
  await realClock.sleep(random.between(0, 2000));
  const since = Date.now();
  process.kill(runnerOn(run.machine(0)), 'SIGTERM');
  expect(await run.exitOf(0)).toBe(143);
  measured('SIGTERM to node 0', 'ended', Date.now() - since);
  expect(Date.now() - since).toBeLessThan(25_000);
  expect(await Promise.all([run.exitOf(1), run.exitOf(2)])).toEqual([0, 0]);
  const { exitCode, progress } = await run.ended();
  expect(exitCode).toBe(143);
  expect(progress.reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
  expectOnce(run);
  await run.clean();
});

fault(
  'a runner that takes no SIGTERM: Batch kills it 30 s later, and everything in its container',
  async ({ start, random }) => {
    const run = await start({ nodes: 3, commands: tasks(12, 100) });
    await run.tasksOn(0, 1, 2);
    await realClock.sleep(random.between(0, 2000));
    process.kill(runnerOn(run.machine(0)), 'SIGSTOP');
    const since = Date.now();
    await run.system.batch.terminateJob({ jobId: run.jobId, reason: 'enough' });
    expect(await run.exitOf(0)).toBe(137);
    const took = Date.now() - since;
    measured('a runner takes no SIGTERM', 'killed', took);
    expect(took).toBeGreaterThan(29_000);
    expect(took).toBeLessThan(30_000 + SLACK_MS);
    // For the others it was as silent as a lost one: their leases were over when Batch came to them.
    expect(await Promise.all([run.exitOf(1), run.exitOf(2)])).toEqual([4, 4]);
    const { summary } = await run.ended();
    expect(summary.outcome).not.toBe('succeeded');
    expectOnce(run);
    // What was killed could not tidy up: its files go with its container and, on shared storage, with the run's folder.
    expect(run.leftovers().filter((left) => !/: \/tmp\/|^key /.test(left))).toEqual([]);
  },
);

fault('SIGTERM to a worker: it ends with 143, and its tasks go elsewhere', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(12, 3) });
  const victim = random.between(1, 2);
  await run.tasksOn(victim);
  await realClock.sleep(random.between(0, 2000));
  const since = Date.now();
  process.kill(runnerOn(run.machine(victim)), 'SIGTERM');
  expect(await run.exitOf(victim)).toBe(143);
  measured('SIGTERM to a worker', 'ended', Date.now() - since);
  expect(Date.now() - since).toBeLessThan(25_000);
  const { exitCode, rows, nodes } = await run.ended();
  measured('SIGTERM to a worker', 'noticed', (await run.event(0, 'Node:Lost')) - since);
  expect(exitCode).toBe(0);
  expect(nodes[victim]?.state).toBe('lost');
  expectSound(run, rows, 12, [victim]);
  await run.clean();
});

fault(
  'the sshd of a worker dies while its runner lives: started again once, then the node is given up',
  async ({ start, random }) => {
    const run = await start({ nodes: 3, commands: tasks(24, 4) });
    const victim = random.between(1, 2);
    await run.tasksOn(victim);
    await realClock.sleep(random.between(0, 2000));
    const first = Date.now();
    expect(killSshd(run.machine(victim))).toBeGreaterThan(1);
    const restarted = await run.event(victim, 'Sshd:Restarted');
    measured('sshd dies', 'started again', restarted - first);
    expect(restarted - first).toBeLessThan(NOTICED_MS + SLACK_MS);
    await run.until(
      () =>
        run.said().some(({ what, node, at }) => node === victim && what === 'began' && at * 1000 > restarted),
      30_000,
      `new tasks on ${victim}`,
    );
    expect(run.events(0, 'Node:Lost')).toEqual([]);
    const second = Date.now();
    killSshd(run.machine(victim));
    const lost = await run.event(0, 'Node:Lost');
    measured('sshd dies again', 'given up', lost - second);
    expect(lost - second).toBeLessThan(NOTICED_MS + SLACK_MS);
    expect(await run.exitOf(victim)).toBe(4);
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes[victim]?.state).toBe('lost');
    expectSound(run, rows, 24, [victim]);
    await run.clean();
  },
);

fault('a clock off by an hour: warned, and durations and times are right', async ({ start, random }) => {
  const victim = random.between(1, 2);
  const isAhead = random.between(0, 1) === 1;
  const run = await start({
    nodes: 3,
    commands: tasks(9, 2),
    before: async (before) => {
      // Every process of the machine sees another time: libfaketime, loaded before all else.
      await before.machine(victim).run(
        'bash',
        '-c',
        `set -e
        mkdir -p /run/clock/etc /run/clock/work
        echo '${isAhead ? '+' : '-'}3600s' > /run/clock/etc/faketimerc
        ls ${await compiled(FAKED_SYSCALL, ['-shared', '-fPIC'])} /usr/lib/*/faketime/libfaketimeMT.so.1 > /run/clock/etc/ld.so.preload
        mount -t overlay -o lowerdir=/etc,upperdir=/run/clock/etc,workdir=/run/clock/work overlay /etc`,
      );
      const seen = Number(await before.machine(victim).run('date', '+%s'));
      expect(Math.abs(seen - Date.now() / 1000)).toBeGreaterThan(3500);
    },
  });
  const began = Date.now() / 1000;
  const { exitCode, rows, nodes, summary } = await run.ended();
  expect(exitCode).toBe(0);
  expect(run.events(0, 'Node:ClockDiffers').map(({ index }) => index)).toEqual([victim]);
  const ahead = nodes[victim]?.clockAheadSeconds ?? Number.NaN;
  expect(Math.abs(Math.abs(ahead) - 3600)).toBeLessThan(3);
  expect(ahead > 0).toBe(isAhead);
  expect(nodes.filter(({ clockAheadSeconds }) => clockAheadSeconds !== undefined)).toHaveLength(1);
  expect(rows.map(({ seq }) => seq)).toHaveLength(9);
  expect(rows.some(({ host }) => host === nodes[victim]?.address)).toBe(true);
  for (const { runtime, startTime } of rows) {
    expect(runtime).toBeGreaterThan(1.9);
    expect(runtime).toBeLessThan(6);
    expect(startTime).toBeGreaterThan(began - 5);
    expect(startTime).toBeLessThan(Date.now() / 1000 + 1);
  }
  expect(summary.timings.runSeconds).toBeLessThan(60);
  expect(summary.nodeHours).toBeLessThan(0.2);
  measured('a clock off by an hour', 'told as off by', Math.abs(ahead) * 1000);
  await run.clean();
});

fault('a joblog cut in mid-line by a crash, then retried', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(18, 2), manifest: { retry: { attempts: 3 } } });
  const joblog = join(run.shared, 'runs', run.runId, 'joblog');
  const rowsThere = () => {
    try {
      return parseJoblog(readFileSync(joblog, 'utf8'));
    } catch {
      return []; // not there yet
    }
  };
  await run.until(() => rowsThere().length >= 6, 60_000, 'rows in the joblog');
  await run.machine(0).lose();
  // What a crash leaves: a last row up to somewhere in its command, where it would pass for a whole one.
  const text = readFileSync(joblog, 'utf8');
  const lastTab = text.lastIndexOf('\t');
  truncateSync(joblog, Buffer.byteLength(text.slice(0, lastTab + random.between(1, 6))));
  const cut = Number(text.trimEnd().split('\n').at(-1)?.split('\t')[0]);
  const whole = rowsThere().map(({ seq }) => seq);
  expect(whole).not.toContain(cut);
  const { exitCode, rows, progress } = await run.ended();
  expect(exitCode).toBe(0);
  expect(progress.attempt).toBe(2);
  const again = new Set(
    run.said().flatMap(({ what, seq, attempt }) => (what === 'began' && attempt === 2 ? [seq] : [])),
  );
  expect([...again].filter((seq) => whole.includes(seq))).toEqual([]);
  expect([...again].toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 18 }, (_, at) => at + 1).filter((seq) => !whole.includes(seq)),
  );
  expect(rows).toHaveLength(18);
  const lines = readFileSync(joblog, 'utf8').split('\n').slice(1, -1);
  expect(lines.map((line) => parseJoblogRow(line)?.command)).toEqual(lines.map(() => task(2)));
  expect(lines).toHaveLength(18);
  await run.clean();
});
