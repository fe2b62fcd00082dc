import { expect } from 'vitest';
import { realClock } from '../../../../local/clock/real.ts';
import type { FaultRun } from './fault-run.ts';
import { measured, task } from './fault-run.ts';
import { fault } from './fault-test.ts';
import { expectOnce, expectSound } from './soundness.ts';

/** Within which node 0 must have noticed. */
const NOTICED_MS = 15_000;
/** Within which a worker that hears nothing must have stopped its tasks: before node 0 gives them to others. */
const STOPPED_MS = 11_000;
/** What a loaded machine may add to what was measured. */
const SLACK_MS = 2000;

const tasks = (count: number, seconds: number) => Array.from({ length: count }, () => task(seconds));

/** How long node 0 took to give a node up, from when the fault began. */
async function noticed(run: FaultRun, name: string, since: number): Promise<void> {
  const took = (await run.event(0, 'Node:Lost')) - since;
  measured(name, 'noticed', took);
  expect(took).toBeLessThan(NOTICED_MS + SLACK_MS);
}

fault(
  'a worker never comes: the run goes on with minNodes once the join limit is over',
  async ({ start }) => {
    const run = await start({
      nodes: 3,
      commands: tasks(8, 1),
      manifest: { minNodes: 2, timeouts: { join: '6s' } },
      before: async (before) => before.machine(2).freeze(),
    });
    const since = Date.now();
    await run.tasksOn(0, 1);
    measured('worker never comes, minNodes', 'tasks start', Date.now() - since);
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'never-came']);
    expectSound(run, rows, 8);
  },
);

fault('a worker never comes and is needed: exit 3 names it', async ({ start }) => {
  const run = await start({
    nodes: 3,
    commands: tasks(8, 1),
    manifest: { minNodes: 3, timeouts: { join: '6s' } },
    before: async (before) => before.machine(2).cut(),
  });
  const { exitCode, progress, summary } = await run.ended();
  expect(exitCode).toBe(3);
  expect(progress.reason).toEqual({ kind: 'too-few-joined', joined: 2, needed: 3, missing: [2] });
  expect(summary.why).toMatch(/node 2/i);
  const took = Date.parse(progress.at) - Date.parse(progress.startedAt ?? '');
  measured('worker never comes, needed', 'ended', took);
  expect(took).toBeLessThan(6000 + 5000);
  expect(run.said()).toEqual([]);
  await run.clean();
});

fault('a worker comes late: it is used as soon as it has joined', async ({ start, random }) => {
  const run = await start({
    nodes: 3,
    commands: tasks(16, 2),
    manifest: { minNodes: 2, timeouts: { join: '6s' } },
    before: async (before) => before.machine(2).freeze(),
  });
  await run.tasksOn(0, 1);
  await realClock.sleep(random.between(0, 1500));
  const thawed = Date.now();
  run.machine(2).thaw();
  await run.tasksOn(2);
  const joined = run.events(0, 'Node:Joined').find(({ index }) => index === 2);
  const used = (run.said().find(({ node }) => node === 2)?.at ?? Number.NaN) * 1000;
  measured('worker comes late', 'joined → first task', used - Date.parse(String(joined?.time)));
  measured('worker comes late', 'its start → first task', used - thawed);
  expect(used - Date.parse(String(joined?.time))).toBeLessThan(5000);
  const { exitCode, rows } = await run.ended();
  expect(exitCode).toBe(0);
  expectSound(run, rows, 16);
  await run.clean();
});

fault('a host is lost: its unfinished tasks go elsewhere', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(16, 3) });
  const victim = random.between(1, 2);
  await run.tasksOn(victim);
  await realClock.sleep(random.between(0, 3000));
  const since = Date.now();
  await run.machine(victim).lose();
  await noticed(run, 'host lost', since);
  const { exitCode, rows, nodes } = await run.ended();
  expect(exitCode).toBe(0);
  expect(nodes[victim]?.state).toBe('lost');
  expectSound(run, rows, 16, [victim]);
  await run.clean();
});

fault(
  'a network is cut and comes back: its tasks had stopped, and it is told to end',
  async ({ start, random }) => {
    // Longer than a lease: what stops them is not their own end. And one slot elsewhere is free to take one at once.
    const run = await start({ nodes: 3, commands: tasks(5, 18) });
    const begun = (node?: number) =>
      run.said().filter((one) => one.what === 'began' && (node ?? one.node) === one.node).length;
    await run.until(() => begun() === 5, 90_000, 'five tasks');
    const full = [1, 2].filter((node) => begun(node) === 2);
    const victim = full[random.between(0, full.length - 1)] ?? 1;
    await realClock.sleep(random.between(0, 2000));
    const since = Date.now();
    await run.machine(victim).cut();
    await noticed(run, 'network cut', since);
    const last = Math.max(...run.said().flatMap(({ node, at }) => (node === victim ? [at * 1000] : [])));
    measured('network cut', 'its tasks stopped', last - since);
    expect(last - since).toBeLessThan(STOPPED_MS);
    await realClock.sleep(random.between(0, 3000));
    await run.machine(victim).mend();
    const back = Date.now();
    expect(await run.exitOf(victim)).toBe(4);
    measured('network cut', 'back → told to end', Date.now() - back);
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes[victim]?.state).toBe('lost');
    expectSound(run, rows, 5, [victim]);
    await run.clean();
  },
);

fault("a worker's own disk is full: it gives its tasks back and is left out", async ({ start }) => {
  const run = await start({
    nodes: 3,
    commands: tasks(16, 2),
    before: async (before) => {
      await before.machine(1).run('mount', '-o', 'remount,size=64m', '/tmp');
    },
  });
  await run.tasksOn(0, 1, 2);
  await run.machine(1).run('bash', '-c', 'head -c 128M /dev/zero > /tmp/full || true');
  const { exitCode, rows, nodes, summary } = await run.ended();
  expect(exitCode).toBe(0);
  expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'released']);
  expectSound(run, rows, 16);
  // Its two slots had a task each, and none after that.
  expect(run.said().filter(({ what, node }) => what === 'began' && node === 1)).toHaveLength(2);
  expect(summary.tasks.lost).toBe(0);
  expect(summary.why).toMatch(/Node 1 took no more tasks: it said .*No space left on device/);
  await run.machine(1).run('rm', '/tmp/full');
  await run.clean();
});

fault('a network is cut for less than a lease: nobody is lost', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(12, 5) });
  const victim = random.between(1, 2);
  await run.tasksOn(victim);
  await run.machine(victim).cut();
  await realClock.sleep(random.between(3000, 7000));
  await run.machine(victim).mend();
  const { exitCode, rows, nodes } = await run.ended();
  expect(exitCode).toBe(0);
  expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'released']);
  expectSound(run, rows, 12);
  expect(run.said().filter(({ what }) => what === 'began')).toHaveLength(12);
  await run.clean();
});

fault('a worker is frozen: its tasks go elsewhere, and thawed it does no harm', async ({ start, random }) => {
  const run = await start({ nodes: 3, commands: tasks(12, 5) });
  const victim = random.between(1, 2);
  await run.tasksOn(victim);
  await realClock.sleep(random.between(0, 2000));
  const since = Date.now();
  run.machine(victim).freeze();
  await noticed(run, 'worker frozen', since);
  await realClock.sleep(random.between(0, 3000));
  const thawed = Date.now();
  run.machine(victim).thaw();
  expect(await run.exitOf(victim)).toBe(4);
  measured('worker frozen', 'thawed → ended', Date.now() - thawed);
  const { exitCode, rows, nodes } = await run.ended();
  expect(exitCode).toBe(0);
  expect(nodes[victim]?.state).toBe('lost');
  expectSound(run, rows, 12, [victim], { attempt: 1, node: victim, from: since / 1000, to: thawed / 1000 });
  await run.clean();
});

fault('half of the workers are lost: the run goes on', async ({ start, random }) => {
  const run = await start({ nodes: 4, commands: tasks(16, 3), manifest: { minNodes: 2 } });
  await run.tasksOn(2, 3);
  await realClock.sleep(random.between(0, 2000));
  const since = Date.now();
  await Promise.all([run.machine(2).lose(), run.machine(3).lose()]);
  await noticed(run, 'half lost', since);
  const { exitCode, rows, nodes } = await run.ended();
  expect(exitCode).toBe(0);
  expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'lost', 'lost']);
  expectSound(run, rows, 16, [2, 3]);
  await run.clean();
});

fault('fewer than minNodes are left: exit 4', async ({ start, random }) => {
  const run = await start({ nodes: 4, commands: tasks(16, 20), manifest: { minNodes: 3 } });
  await run.tasksOn(2, 3);
  await realClock.sleep(random.between(0, 2000));
  const since = Date.now();
  await Promise.all([run.machine(2).lose(), run.machine(3).lose()]);
  await noticed(run, 'below minNodes', since);
  const { exitCode, progress, summary } = await run.ended();
  expect(exitCode).toBe(4);
  expect(progress.reason).toMatchObject({ kind: 'too-many-lost', needed: 3 });
  expect(summary.outcome).toBe('failed');
  expectOnce(run, [2, 3]);
  await run.clean();
});

fault(
  'node 0 is lost: the workers end by themselves and their tasks with them',
  async ({ start, random }) => {
    const run = await start({ nodes: 3, commands: tasks(12, 100) });
    await run.tasksOn(0, 1, 2);
    await realClock.sleep(random.between(0, 2000));
    const since = Date.now();
    await run.machine(0).lose();
    expect(await Promise.all([run.exitOf(1), run.exitOf(2)])).toEqual([4, 4]);
    measured('node 0 lost', 'workers ended', Date.now() - since);
    expect(Date.now() - since).toBeLessThan(30_000 + 5000 + SLACK_MS);
    const last = Math.max(...run.said().flatMap(({ node, at }) => (node === 0 ? [] : [at * 1000])));
    measured('node 0 lost', 'their tasks stopped', last - since);
    expect(last - since).toBeLessThan(NOTICED_MS);
    expect(run.leftovers().filter((line) => !line.startsWith('key'))).toEqual([]);
    const { summary } = await run.ended();
    expect(summary.outcome).toBe('failed');
    expectOnce(run);
  },
);

fault(
  'node 0 is frozen for 20 s: the run goes on, nobody is lost, nothing runs twice',
  async ({ start, random }) => {
    const run = await start({ nodes: 3, commands: tasks(12, 6) });
    await run.tasksOn(0, 1, 2);
    await realClock.sleep(random.between(0, 2000));
    run.machine(0).freeze();
    await realClock.sleep(20_000);
    run.machine(0).thaw();
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released', 'released']);
    expectSound(run, rows, 12);
    expect(run.said().filter(({ what }) => what === 'began')).toHaveLength(12);
    await run.clean();
  },
);
