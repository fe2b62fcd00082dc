import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { kill, loopbackNodes } from '../../../support/loopback-nodes.ts';
import type { FanoutRun } from '../../../support/run-fan-out.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

/** What a task does until the test opens the gate of its run. */
const WAITS = 'until [ -e gate ]; do sleep 0.05; done';
const open = (run: FanoutRun) => writeFileSync(join(run.request.workdir, 'gate'), '');
/** Lines that tasks wrote; none while there is no such file. */
const written = (run: FanoutRun, name: string) => {
  const file = join(run.request.workdir, name);
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
};
const PATIENCE = { timeout: 20_000, interval: 50 };

const numbered = (count: number, command: (seq: number) => string) =>
  Array.from({ length: count }, (_, index) => command(index + 1));
const seqs = (rows: readonly { seq: number }[]) => rows.map(({ seq }) => seq).toSorted((a, b) => a - b);
const upTo = (count: number) => numbered(count, (seq) => String(seq)).map(Number);

describe('the pool', () => {
  let nodes: LoopbackNodes;
  beforeAll(async () => {
    nodes = await loopbackNodes(3);
  });
  // What one test leaves when it fails would make the next ones fail as well.
  afterEach(async () => {
    for (const index of nodes.addresses.keys()) await killTasks(nodes, index);
  });
  afterAll(async () => {
    await nodes.close();
    for (const index of nodes.addresses.keys()) expect(nodes.processesOf(index)).toEqual([]);
  });

  it('gives every command exactly one row, with its exit value, on every node', async () => {
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(300, (seq) => `exit ${seq % 3 === 0 ? 7 : 0}`),
    );
    expect(await run.result).toEqual({ succeeded: 200, failed: 100, retried: 0, unfinished: 0 });
    expect(seqs(run.rows)).toEqual(upTo(300));
    expect(run.rows.filter((row) => row.exitval === 7).every((row) => row.seq % 3 === 0)).toBe(true);
    expect(new Set(run.rows.map((row) => row.host))).toEqual(new Set(nodes.addresses));
    expect(seqs(parseJoblog(readFileSync(run.request.joblog, 'utf8')))).toEqual(upTo(300));
  });

  it('starts each task in the folder of the run, in a bash and a process group of its own, with its variables and nothing on stdin', async () => {
    const environment = {
      PATH: process.env.PATH ?? '',
      HOME: '/home/of the user',
      ODD: 'a  b"c\'d=é\nsecond line $X',
      EMPTY: '',
    };
    const orUndefined = (name: string) => `$\{${name}-undefined}`;
    const values = [
      '$PWD',
      '$HOME',
      '$ODD',
      orUndefined('EMPTY'),
      orUndefined('PYTHONPATH'),
      '$PARALLEL_SEQ',
      '$PARALLEL_SSHHOST',
      orUndefined('PARALLEL'),
    ];
    const command = `cat; echo "${values.join('|')}|$(ps -o pgid= -p $$ | tr -d ' ')=$$"`;
    const run = runFanout(
      startPool(realClock),
      nodes,
      [`: 1; ${command}`, `: 2; ${command}`, `: 3; ${command}`, `: 4; ${command}`],
      { environment },
    );
    await run.result;
    for (const row of run.rows) {
      const out = readFileSync(join(run.request.results, '1', escaped(row.command), 'stdout'), 'utf8');
      const [pwd, home, odd, empty, python, seq, host, parallel, group] = out.trimEnd().split('|');
      expect([pwd, home, odd, empty, python, seq, host, parallel]).toEqual([
        run.request.workdir,
        '/home/of the user',
        environment.ODD,
        '',
        'undefined',
        String(row.seq),
        row.host,
        'undefined',
      ]);
      expect(group).toMatch(/^(\d+)=\1$/);
    }
    expect(run.rows.length).toBe(4);
  });

  it('keeps the temporary files of GNU parallel where all goes with the node; a task has its own folder, or what is set', async () => {
    // What GNU parallel was started with stands in its own environment; the task is its grandchild.
    const command = `echo "$\{TMPDIR-none}"; for pid in $(ps -o pid= -C perl); do tr "\\0" "\\n" < /proc/$pid/environ 2> /dev/null | grep -q "^SIERRA_BATCH_POOL=" && tr "\\0" "\\n" < /proc/$pid/environ | grep ^TMPDIR=; done; true`;
    for (const own of [undefined, '/tmp/of the user']) {
      const environment = { PATH: process.env.PATH ?? '', ...(own === undefined ? {} : { TMPDIR: own }) };
      const run = runFanout(startPool(realClock), nodes, [command], { environment });
      expect(await run.result).toMatchObject({ succeeded: 1 });
      const [folder = ''] = readdirSync(join(run.request.results, '1'));
      const [seen, ...parallels] = readFileSync(join(run.request.results, '1', folder, 'stdout'), 'utf8')
        .trimEnd()
        .split('\n');
      expect(seen).toMatch(own ?? /\/home\/tmp-1$/);
      expect(parallels.filter((line) => line.startsWith(`TMPDIR=${nodes.folder}/`))).not.toEqual([]);
    }
  });

  it('leaves settings of Perl to the tasks: GNU parallel and the group runner do not follow them', async () => {
    const settings = { PERL5OPT: '-MNoSuchModule', PERL5LIB: '/opt/of the user', PERL_UNICODE: 'SDA' };
    const environment = { PATH: process.env.PATH ?? '', ...settings };
    const command = `echo "$PERL5OPT|$PERL5LIB|$PERL_UNICODE|é"; env | grep -c SIERRA_BATCH_POOL`;
    const run = runFanout(startPool(realClock), nodes, [command], { environment });
    expect(await run.result).toMatchObject({ failed: 1, unfinished: 0 });
    const [folder = ''] = readdirSync(join(run.request.results, '1'));
    expect(readFileSync(join(run.request.results, '1', folder, 'stdout'), 'utf8')).toBe(
      '-MNoSuchModule|/opt/of the user|SDA|é\n0\n',
    );
  });

  it('ends a task at its time limit with all it started, and no other', async () => {
    const commands = ['sleep 60 & sleep 60', 'trap "" TERM; while :; do sleep 1; done', 'sleep 0.2', 'true'];
    const run = runFanout(startPool(realClock), nodes, commands, { taskSeconds: 1 });
    await run.result;
    expect(run.rows.toSorted((a, b) => a.seq - b.seq).map((row) => row.exitval)).toEqual([124, 124, 0, 0]);
    const sleeping = () =>
      [...nodes.addresses.keys()].flatMap((index) =>
        nodes.processesOf(index).filter((pid) => commandLine(pid).startsWith('sleep')),
      );
    await vi.waitFor(() => expect(sleeping()).toEqual([]), PATIENCE);
  });

  it('ends at its time limit also what a task started in a group or session of its own, and nothing that was there before', async () => {
    const stays = 'setsid sleep 47 > /dev/null 2>&1 &';
    // timeout(1) makes a group of its own.
    const run = runFanout(
      startPool(realClock),
      nodes,
      [stays, 'timeout 100 sleep 48', 'setsid --wait sleep 49'],
      {
        nodes: [{ index: 0, address: nodes.addresses[0] ?? '', slots: 1 }],
        taskSeconds: 1,
      },
    );
    expect(await run.result).toMatchObject({ succeeded: 1, failed: 2 });
    expect(run.rows.map(({ exitval }) => exitval)).toEqual([0, 124, 124]);
    const sleeping = () =>
      nodes.processesOf(0).flatMap((pid) => /sleep.(4\d)/.exec(commandLine(pid))?.[1] ?? []);
    expect(sleeping()).toEqual(['47']);
    await killTasks(nodes, 0);
  });

  it('lets what a task started save its work when its time is over', async () => {
    const saves = `bash -c 'trap "sleep 0.2; echo > saved; exit" TERM; sleep 40 & wait'; true`;
    const run = runFanout(startPool(realClock), nodes, [saves], { taskSeconds: 1 });
    expect(await run.result).toMatchObject({ failed: 1 });
    expect(existsSync(join(run.request.workdir, 'saved'))).toBe(true);
    expect(run.rows[0]?.exitval).toBe(124);
  });

  it('starts a failed task again, as often as asked, and its last row counts', async () => {
    const counter = (name: string) =>
      `n=$(cat ${name} 2>/dev/null || echo 0); echo $((n+1)) > ${name}; [ $n -ge 2 ]`;
    const run = runFanout(startPool(realClock), nodes, [counter('a'), 'exit 9', 'true'], { taskRetries: 2 });
    expect(await run.result).toMatchObject({ succeeded: 2, failed: 1, retried: 2 });
    expect(seqs(run.rows)).toEqual([1, 2, 3]);
    expect(seqs(run.retries)).toEqual([1, 1, 2, 2]);
    expect(readFileSync(join(run.request.workdir, 'a'), 'utf8')).toBe('3\n');
  });

  it('runs only what is not done', async () => {
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(20, () => 'true'),
      { done: new Set(upTo(20).filter((seq) => seq % 4 !== 0)) },
    );
    expect(await run.result).toMatchObject({ succeeded: 5, unfinished: 0 });
    expect(seqs(run.rows)).toEqual([4, 8, 12, 16, 20]);
  });

  it('keeps the rows of an earlier attempt and ends a line that a crash cut off', async () => {
    const first = runFanout(startPool(realClock), nodes, ['true', 'exit 4']);
    await first.result;
    const { appendFileSync } = await import('node:fs');
    appendFileSync(first.request.joblog, '2\tcut off in the mid');
    const second = runFanout(startPool(realClock), nodes, ['true', 'true'], {
      joblog: first.request.joblog,
      done: new Set([1]),
    });
    await second.result;
    // Which of two tasks on different nodes ends first is not given.
    const rows = parseJoblog(readFileSync(first.request.joblog, 'utf8')).toSorted((a, b) => a.seq - b.seq);
    expect(rows.map(({ seq, exitval }) => [seq, exitval])).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  it('gives the tasks of a node that was lost to others, each once more at the most', async () => {
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(60, (seq) => `echo ${seq} $PARALLEL_SSHHOST >> started; [ ${seq} -le 20 ] || ${WAITS}`),
    );
    const lost = nodes.addresses[2] ?? '';
    // Some have ended, and it works on some that cannot end.
    const underWay = () => written(run, 'started').filter((line) => Number(line.split(' ')[0]) > 20);
    await vi.waitFor(() => {
      expect(run.rows.length).toBeGreaterThan(0);
      expect(underWay().filter((line) => line.endsWith(lost))).not.toEqual([]);
    }, PATIENCE);
    await killTasks(nodes, 2);
    run.running.removeNode(2, 'its host was lost');
    open(run);
    expect(await run.result).toEqual({ succeeded: 60, failed: 0, retried: 0, unfinished: 0 });
    expect(seqs(run.rows)).toEqual(upTo(60));
    const started = written(run, 'started');
    const finished = new Map(run.rows.map((row) => [row.seq, row.host]));
    for (const seq of upTo(60)) {
      const hosts = started.filter((line) => line.startsWith(`${seq} `));
      expect(hosts.length).toBeLessThanOrEqual(
        hosts.some((line) => line.endsWith(lost)) && finished.get(seq) !== lost ? 2 : 1,
      );
    }
  });

  it('asks what to do when a connection breaks, and goes on over a new one', async () => {
    let before = Number.NaN;
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(60, (seq) => `echo ${seq} $PARALLEL_SSHHOST >> started; ${WAITS}`),
      {
        onChannelLost: async (node) => {
          await killTasks(nodes, node);
          before = begunOn(node);
          return 'reconnect';
        },
      },
    );
    const begunOn = (node: number) =>
      written(run, 'started').filter((line) => line.endsWith(` ${nodes.addresses[node]}`)).length;
    await vi.waitFor(() => expect(begunOn(1)).toBeGreaterThan(0), PATIENCE);
    breakConnections(nodes, 1);
    // Over the new connection it is given work again, while the others still wait.
    await vi.waitFor(() => expect(begunOn(1)).toBeGreaterThan(before), PATIENCE);
    open(run);
    expect(await run.result).toEqual({ succeeded: 60, failed: 0, retried: 0, unfinished: 0 });
    expect(run.lost.map(({ node }) => node)).toEqual([1]);
    expect(run.rows.filter((row) => row.host === nodes.addresses[1]).length).toBeGreaterThan(0);
    expect(seqs(run.rows)).toEqual(upTo(60));
  });

  it('notices by itself that the GNU parallel of a node was killed', async () => {
    const run = runFanout(startPool(realClock), nodes, Array(6).fill(WAITS), {
      onChannelLost: async (node) => {
        await killTasks(nodes, node);
        return 'reconnect';
      },
    });
    await vi.waitFor(() => expect(tasksOf(nodes, 1).length).toBeGreaterThan(0), PATIENCE);
    const parallel = nodes.processesOf(1).find((pid) => commandLine(pid).includes('--ungroup'));
    kill(parallel ?? 0);
    // Before any of its tasks can have ended.
    await vi.waitFor(() => expect(run.lost).toHaveLength(1), PATIENCE);
    open(run);
    expect(run.lost[0]?.why).toContain('GNU parallel ended before it was told to');
    expect(await run.result).toEqual({ succeeded: 6, failed: 0, retried: 0, unfinished: 0 });
  }, 30_000);

  it('asks also before it leaves a node alone whose connection breaks again and again', async () => {
    let asked = 0;
    const run = runFanout(startPool(realClock), nodes, Array(60).fill(WAITS), {
      onChannelLost: async (node) => {
        await killTasks(nodes, node);
        asked += 1;
        return 'reconnect';
      },
    });
    for (const times of [1, 2, 3, 4]) {
      // None that was there before is left once it was asked, so this is the new connection's.
      await vi.waitFor(() => expect(tasksOf(nodes, 1).length).toBeGreaterThan(0), PATIENCE);
      breakConnections(nodes, 1);
      await vi.waitFor(() => expect(asked).toBe(times), PATIENCE);
    }
    open(run);
    expect(await run.result).toMatchObject({ succeeded: 60, unfinished: 0 });
    expect(run.lost.map(({ node }) => node)).toEqual([1, 1, 1, 1]);
  }, 60_000);

  it('tells a command that exits 255 from a lost connection', async () => {
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(9, () => 'exit 255'),
    );
    expect(await run.result).toMatchObject({ failed: 9, unfinished: 0 });
    expect(run.lost).toEqual([]);
  });

  it('ends when no node is left, and says how much is unfinished', async () => {
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(40, (seq) => `[ ${seq} -le 4 ] || ${WAITS}`),
      { onChannelLost: async () => 'evict' },
    );
    await vi.waitFor(() => expect([run.rows.length, run.running.running()]).toEqual([4, 6]), PATIENCE);
    for (const index of nodes.addresses.keys()) {
      await killTasks(nodes, index);
      run.running.removeNode(index, 'lost');
    }
    expect(await run.result).toEqual({ succeeded: 4, failed: 0, retried: 0, unfinished: 36 });
  });

  it('stops in mid-run: every task ends, what is done is recorded', async () => {
    const run = runFanout(startPool(realClock), nodes, [
      ...numbered(6, () => 'true'),
      ...numbered(20, () => 'echo begun >> started; trap "" TERM; sleep 30 & wait; sleep 30'),
    ]);
    // A long one may get its slot before a short one does: nobody promises an order.
    await vi.waitFor(
      () => expect([run.rows.length > 0, written(run, 'started').length]).toEqual([true, 6]),
      PATIENCE,
    );
    await run.running.stop('a test', 500);
    const result = await run.result;
    const done = seqs(run.rows);
    expect(result).toMatchObject({ succeeded: done.length, unfinished: 26 - done.length });
    expect(upTo(6)).toEqual(expect.arrayContaining(done));
    expect(seqs(parseJoblog(readFileSync(run.request.joblog, 'utf8')))).toEqual(done);
    for (const index of nodes.addresses.keys()) expect(taskProcesses(nodes, index)).toEqual([]);
  });

  it('uses a node that comes late', async () => {
    const all = nodes.addresses.map((address, index) => ({ index, address, slots: 2 }));
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(40, () => `echo $PARALLEL_SSHHOST >> started; ${WAITS}`),
      { nodes: all.slice(0, 1) },
    );
    const hosts = () => new Set(written(run, 'started'));
    await vi.waitFor(() => expect(hosts()).toEqual(new Set(nodes.addresses.slice(0, 1))), PATIENCE);
    for (const node of all.slice(1)) run.running.addNode(node);
    await vi.waitFor(() => expect(hosts()).toEqual(new Set(nodes.addresses)), PATIENCE);
    open(run);
    expect(await run.result).toMatchObject({ succeeded: 40, unfinished: 0 });
  });

  it('does not let short tasks wait behind a long one of their group', async () => {
    // The long one takes as long as it takes all others to be done.
    const others = 399;
    const long = `for i in $(seq 400); do [ $(wc -l < done) -lt ${others} ] || exit 0; sleep 0.1; done; exit 1`;
    const run = runFanout(
      startPool(realClock),
      nodes,
      numbered(others + 1, (seq) => (seq === 150 ? `sleep 1; ${long}` : 'echo >> done')),
    );
    expect(await run.result).toMatchObject({ succeeded: others + 1, failed: 0 });
  }, 60_000);

  it('says so when the results cannot be written', async () => {
    const run = runFanout(startPool(realClock), nodes, ['true', 'true'], {
      results: '/dev/null/no-such-place',
    });
    const result = await run.result;
    expect(result.broken).toMatch(/no-such-place/);
    expect(result.succeeded).toBe(0);
  });

  it('waits for no pipe, follows no link and minds no folder that a task laid where another’s output goes', async () => {
    const results = join(nodes.folder, 'laid');
    const laid = (command: string) => join(results, '1', command);
    for (const command of ['echo 1', 'echo 2', 'echo 3']) mkdirSync(laid(command), { recursive: true });
    execFileSync(
      'mkfifo',
      ['seq', 'stdout', 'stderr'].map((name) => join(laid('echo 1'), name)),
    );
    writeFileSync(join(results, 'mine'), 'mine');
    symlinkSync(join(results, 'mine'), join(laid('echo 2'), 'stdout'));
    mkdirSync(join(laid('echo 3'), 'stderr/of'), { recursive: true });
    const run = runFanout(startPool(realClock), nodes, ['echo 1', 'echo 2', 'echo 3'], { results });
    expect(await run.result).toMatchObject({ succeeded: 3 });
    expect(
      ['echo 1', 'echo 2', 'echo 3'].map((command) => readFileSync(join(laid(command), 'stdout'), 'utf8')),
    ).toEqual(['1\n', '2\n', '3\n']);
    expect(readFileSync(join(results, 'mine'), 'utf8')).toBe('mine');
  });

  it('refuses a list that is not the one planned', async () => {
    const run = runFanout(startPool(realClock), nodes, ['true', 'true'], { total: 3 });
    expect((await run.result).broken).toMatch(/has 2 lines and 3 were planned/);
    expect(existsSync(run.request.joblog)).toBe(false);
  });

  it('leaves no script, folder or socket of its own behind but its scratch folder', async () => {
    const alone = await loopbackNodes(1);
    const own = join(alone.folder, 'temporary');
    mkdirSync(own);
    const run = runFanout(
      startPool(realClock),
      alone,
      numbered(20, (seq) => `: ${seq}; exit ${seq % 2}`),
      { environment: { PATH: process.env.PATH ?? '', TMPDIR: own } },
    );
    await run.result;
    expect(readdirSync(own)).toEqual([]);
    // GNU parallel's own notes alone, and they go with the node.
    const folder = readdirSync(alone.folder).find((name) => name.startsWith('node-0-')) ?? '';
    expect(readdirSync(join(alone.folder, folder, 'home'))).toEqual(['.parallel']);
    await alone.close();
  });
});

function escaped(command: string): string {
  return command.replaceAll('\\', '\\\\').replaceAll('/', '\\_').slice(0, 255);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // Ended meanwhile.
  }
}

/** Ends node 0's ends of them: those on the node may be held open by what runs there. */
function breakConnections(nodes: LoopbackNodes, node: number): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const words = commandLine(Number(pid)).split('\0');
    if (words[0] === 'ssh' && words.includes(nodes.addresses[node] ?? '')) kill(Number(pid));
  }
}

/** Group runners: where one is, tasks run or are about to. */
function tasksOf(nodes: LoopbackNodes, node: number): number[] {
  return nodes.processesOf(node).filter((pid) => commandLine(pid).includes('par-job'));
}

function taskProcesses(nodes: LoopbackNodes, node: number): number[] {
  return nodes.processesOf(node);
}

/** What the runner on a node does when it is told to end its tasks. */
async function killTasks(nodes: LoopbackNodes, node: number): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    const pids = taskProcesses(nodes, node);
    if (pids.length === 0) return;
    for (const pid of pids) kill(pid);
    await delay(20);
  }
}
