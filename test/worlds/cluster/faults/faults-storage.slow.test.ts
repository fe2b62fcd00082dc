import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import type { OutputIndex } from '../../../../experiment/records/outputs.ts';
import type { Progress } from '../../../../experiment/records/progress.ts';
import { parseJoblog, parseJoblogRow } from '../../../../experiment/results/joblog.ts';
import { realClock } from '../../../../local/clock/real.ts';
import { readJson } from '../../../../test/aws/read-object.ts';
import { commandIn } from '../machine/command-in.ts';
import type { FaultRun } from './fault-run.ts';
import { measured, task } from './fault-run.ts';
import { fault, isQuick } from './fault-test.ts';
import { expectSound } from './soundness.ts';
import { StrangeStorage } from './strange-storage.ts';

const tasks = (count: number, seconds: number) => Array.from({ length: count }, () => task(seconds));

/** Every line of the joblog on shared storage is a whole row; answers the sequence numbers that need not run again. */
function wholeJoblog(run: FaultRun, folder: string): number[] {
  const text = readFileSync(join(run.shared, 'runs', folder, 'joblog'), 'utf8');
  const lines = text.split('\n').slice(1, -1);
  expect(lines.filter((line) => parseJoblogRow(line) === undefined)).toEqual([]);
  return parseJoblog(text)
    .filter(({ exitval }) => exitval === 0)
    .map(({ seq }) => seq);
}

/** Ends a run whose storage failed, and goes on with it once storage is well again. */
async function endAndResume(run: FaultRun, commands: readonly string[], heal: () => Promise<void>) {
  const failed = run.runId;
  const { exitCode, progress, summary } = await run.ended();
  expect(exitCode).toBe(2);
  expect(progress.reason).toMatchObject({ kind: 'storage-failed' });
  expect(summary).toMatchObject({ outcome: 'failed', headline: expect.stringMatching(/^Storage failed/) });
  await heal();
  const done = wholeJoblog(run, failed);
  const asked = Date.now() / 1000;
  await run.drop({ nodes: 2, commands, manifest: { resume: failed } });
  const resumed = await run.ended();
  expect(resumed.exitCode).toBe(0);
  expect(resumed.rows.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(
    commands.map((_, at) => at + 1),
  );
  const again = run.said().flatMap(({ what, seq, at }) => (what === 'began' && at > asked ? [seq] : []));
  expect(again.filter((seq) => done.includes(seq))).toEqual([]);
  expect(new Set(wholeJoblog(run, failed)).size).toBe(commands.length);
  return summary;
}

fault('shared storage is full: the run ends and says so; with room again it goes on', async ({ start }) => {
  const shared = mkdtempSync(join(tmpdir(), 'sbt-full-'));
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'sierra-batch-test', shared]);
  try {
    const fill =
      'test -e /mnt/efs/room || { cat /dev/zero > /mnt/efs/fill; dd if=/dev/zero bs=4k of=/mnt/efs/fill2; }';
    // Each has a folder of results of its own, which needs room.
    const commands = [...tasks(6, 1), fill, ...tasks(13, 1)].map((command, at) => `${command}; : ${at}`);
    const run = await start({ nodes: 2, commands, shared });
    let full = 0;
    await run.until(
      () => {
        full = Date.now();
        return Number(spawnSync('stat', ['-f', '-c', '%a', shared], { encoding: 'utf8' }).stdout) === 0;
      },
      60_000,
      'full storage',
    );
    await endAndResume(run, commands, async () => {
      measured('shared storage full', 'the run ended', Date.now() - full);
      // The run may have ended before the second was begun.
      for (const name of ['fill', 'fill2']) rmSync(join(shared, name), { force: true });
      writeFileSync(join(shared, 'room'), '');
    });
    await run.clean();
  } finally {
    spawnSync('umount', ['--lazy', shared]);
    rmSync(shared, { recursive: true, force: true });
  }
});

fault('shared storage becomes read-only: as full', async ({ start, random }) => {
  const storages: StrangeStorage[] = [];
  try {
    const commands = tasks(16, 2);
    const run = await start({
      nodes: 2,
      commands,
      before: async ({ cluster }) => {
        for (const machine of cluster.machines) storages.push(await StrangeStorage.onMachine(machine));
      },
    });
    await run.tasksOn(0, 1);
    await realClock.sleep(random.between(0, 3000));
    const since = Date.now();
    for (const storage of storages) await storage.readOnly(true);
    await endAndResume(run, commands, async () => {
      measured('shared storage read-only', 'the run ended', Date.now() - since);
      for (const storage of storages) await storage.readOnly(false);
    });
    await run.clean();
  } finally {
    for (const storage of storages) await storage.unmount();
  }
});

/** A task makes some thirty calls, one after the other. */
const CALL_SECONDS = isQuick ? 0.2 : 2;

fault('shared storage takes 2 s a call: slow, and nothing else', async ({ start }) => {
  const storages: StrangeStorage[] = [];
  try {
    const run = await start({
      nodes: 2,
      commands: Array.from({ length: 4 }, (_, at) => `sleep 2; ${task(0)}; : ${at}`),
      before: async ({ cluster }) => {
        for (const machine of cluster.machines) storages.push(await StrangeStorage.onMachine(machine));
      },
    });
    await run.until(
      () => run.events(0, 'Run:Phase').some(({ phase }) => phase === 'running'),
      30_000,
      'tasks',
    );
    const since = Date.now();
    for (const storage of storages) await storage.slow(CALL_SECONDS);
    const { exitCode, rows, nodes } = await run.ended();
    measured(`shared storage ${CALL_SECONDS} s a call`, 'ended', Date.now() - since);
    for (const storage of storages) await storage.slow(0);
    expect(exitCode).toBe(0);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
    expectSound(run, rows, 4);
    await run.clean();
  } finally {
    for (const storage of storages) await storage.unmount();
  }
});

fault(
  'a worker remembers for 30 s that there was nothing: it joins after that',
  async ({ start, random }) => {
    const storages: StrangeStorage[] = [];
    const victim = random.between(1, 2);
    try {
      const run = await start({
        nodes: 3,
        commands: tasks(12, 1),
        manifest: { timeouts: { join: '90s' } },
        before: async (before) => {
          for (const machine of before.cluster.machines)
            storages.push(await StrangeStorage.onMachine(machine, 30));
          await before.machine(victim).run('test', '!', '-e', '/mnt/efs/runs');
        },
      });
      const since = Date.now();
      const { exitCode, rows, nodes } = await run.ended();
      const joined = run.events(0, 'Node:Joined').find(({ index }) => index === victim);
      measured('stale look-ups', 'joined', Date.parse(String(joined?.time)) - since);
      expect(run.events(0, 'Node:CannotReadFolder').map(({ index }) => index)).toContain(victim);
      expect(exitCode).toBe(0);
      expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'released']);
      expectSound(run, rows, 12);
      await run.clean();
    } finally {
      for (const storage of storages) await storage.unmount();
    }
  },
);

/** Refusing, hanging, refusing again: five minutes, and in the quick set until well after the tasks' end. */
const AWAY_SECONDS = isQuick ? ([6, 12, 22] as const) : ([30, 150, 120] as const);

fault(
  'S3 refuses, hangs, and refuses again, while tasks run and when they end: they go on, and all is sent after',
  async ({ start }) => {
    // In the quick set they end while S3 refuses for the second time: only who tries again and again gets through.
    const commands = [
      ...tasks(12, 7).map((command) => `${command}; mkdir -p out; touch out/$PARALLEL_SEQ`),
      'exit 3',
    ];
    const run = await start({ nodes: 2, commands, manifest: { outputs: ['out/'] } });
    await run.tasksOn(0, 1);
    const progress = () => readJson<Progress>(run.system.s3, run.system.bucket, runKeys(run.runId).progress);
    const route = (...args: string[]) =>
      Promise.all(
        run.cluster.machines.map((machine) =>
          machine.run('ip', 'route', ...args, `${run.cluster.door.address}/32`),
        ),
      );
    const since = Date.now();
    const [refusing, hanging, refusingAgain] = AWAY_SECONDS;
    // Nobody reaches the address, and hears so at once; connections that are open hear nothing.
    await route('add', 'unreachable');
    await realClock.sleep(refusing * 1000);
    // What nodes send arrives, and no answer comes back.
    const atDoor = (...args: string[]) =>
      commandIn(['nsenter', '--target', String(run.cluster.bridge), '--net', 'ip', 'route', ...args]);
    for (const { settings } of run.cluster.machines)
      await atDoor('add', 'blackhole', `${settings.address}/32`);
    await route('del', 'unreachable');
    await realClock.sleep(hanging * 1000);
    await route('add', 'unreachable');
    for (const { settings } of run.cluster.machines)
      await atDoor('del', 'blackhole', `${settings.address}/32`);
    await realClock.sleep(refusingAgain * 1000);
    const heard = Date.parse((await progress())?.at ?? '');
    expect(heard).toBeLessThan(since + 5000);
    await route('del', 'unreachable');
    const over = Date.now();
    await run.until(async () => Date.parse((await progress())?.at ?? '') > over, 60_000, 'progress');
    measured(
      `S3 away for ${AWAY_SECONDS.reduce<number>((sum, one) => sum + one, 0)} s`,
      'back → told again',
      Date.now() - over,
    );
    const { exitCode, rows, nodes } = await run.ended();
    measured(
      `S3 away for ${AWAY_SECONDS.reduce<number>((sum, one) => sum + one, 0)} s`,
      'back → ended',
      Date.now() - over,
    );
    expect(exitCode).toBe(1);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
    // They went on meanwhile: the last ended long before anything could be told.
    expect(Math.max(...run.said().map(({ at }) => at * 1000))).toBeLessThan(over);
    const index = await readJson<OutputIndex>(
      run.system.s3,
      run.system.bucket,
      runKeys(run.runId).outputIndex,
    );
    expect(index?.files.map(({ path }) => path).toSorted()).toEqual(
      Array.from({ length: 12 }, (_, at) => `out/${at + 1}`).toSorted(),
    );
    expect(run.events(0, 'TaskOutput:NotSent')).toEqual([]);
    expectSound(run, rows, 13);
    await run.clean();
  },
);
