import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { kill, loopbackNodes } from '../../../support/loopback-nodes.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

const numbered = (count: number, command: (seq: number) => string) =>
  Array.from({ length: count }, (_, index) => command(index + 1));
const seqs = (rows: readonly { seq: number }[]) => rows.map(({ seq }) => seq).toSorted((a, b) => a - b);
const upTo = (count: number) => numbered(count, (seq) => String(seq)).map(Number);

describe('the pool', () => {
  let nodes: LoopbackNodes;
  beforeAll(async () => {
    nodes = await loopbackNodes(3);
  });
  afterAll(async () => {
    await nodes.close();
    for (const index of nodes.addresses.keys()) expect(nodes.processesOf(index)).toEqual([]);
  });

  it('gives every command exactly one row, with its exit value, on every node', async () => {
    const run = runFanout(
      startPool,
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
      startPool,
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

  it('keeps the temporary files of GNU parallel where all goes with the node, and leaves TMPDIR to the tasks', async () => {
    // What GNU parallel was started with stands in its own environment; the task is its grandchild.
    const command = `echo "$\{TMPDIR-none}"; for pid in $(ps -o pid= -C perl); do tr "\\0" "\\n" < /proc/$pid/environ 2> /dev/null | grep -q "^SIERRA_BATCH_POOL=" && tr "\\0" "\\n" < /proc/$pid/environ | grep ^TMPDIR=; done; true`;
    for (const own of [undefined, '/tmp/of the user']) {
      const environment = { PATH: process.env.PATH ?? '', ...(own === undefined ? {} : { TMPDIR: own }) };
      const run = runFanout(startPool, nodes, [command], { environment });
      expect(await run.result).toMatchObject({ succeeded: 1 });
      const [folder = ''] = readdirSync(join(run.request.results, '1'));
      const [seen, ...parallels] = readFileSync(join(run.request.results, '1', folder, 'stdout'), 'utf8')
        .trimEnd()
        .split('\n');
      expect(seen).toBe(own ?? 'none');
      expect(parallels.filter((line) => line.startsWith(`TMPDIR=${nodes.folder}/`))).not.toEqual([]);
    }
  });

  it('leaves settings of Perl to the tasks: GNU parallel and the group runner do not follow them', async () => {
    const settings = { PERL5OPT: '-MNoSuchModule', PERL5LIB: '/opt/of the user', PERL_UNICODE: 'SDA' };
    const environment = { PATH: process.env.PATH ?? '', ...settings };
    const command = `echo "$PERL5OPT|$PERL5LIB|$PERL_UNICODE|é"; env | grep -c SIERRA_BATCH_POOL`;
    const run = runFanout(startPool, nodes, [command], { environment });
    expect(await run.result).toMatchObject({ failed: 1, unfinished: 0 });
    const [folder = ''] = readdirSync(join(run.request.results, '1'));
    expect(readFileSync(join(run.request.results, '1', folder, 'stdout'), 'utf8')).toBe(
      '-MNoSuchModule|/opt/of the user|SDA|é\n0\n',
    );
  });

  it('ends a task at its time limit with all it started, and no other', async () => {
    const commands = ['sleep 60 & sleep 60', 'trap "" TERM; while :; do sleep 1; done', 'sleep 0.2', 'true'];
    const run = runFanout(startPool, nodes, commands, { taskSeconds: 1 });
    await run.result;
    expect(run.rows.toSorted((a, b) => a.seq - b.seq).map((row) => row.exitval)).toEqual([124, 124, 0, 0]);
    await delay(200);
    for (const index of nodes.addresses.keys()) {
      const sleeping = nodes.processesOf(index).filter((pid) => commandLine(pid).startsWith('sleep'));
      expect(sleeping).toEqual([]);
    }
  });

  it('ends at its time limit also what a task started in a group or session of its own, and nothing that was there before', async () => {
    const stays = 'setsid sleep 47 > /dev/null 2>&1 &';
    // timeout(1) makes a group of its own.
    const run = runFanout(startPool, nodes, [stays, 'timeout 100 sleep 48', 'setsid --wait sleep 49'], {
      nodes: [{ index: 0, address: nodes.addresses[0] ?? '', slots: 1 }],
      taskSeconds: 1,
    });
    expect(await run.result).toMatchObject({ succeeded: 1, failed: 2 });
    expect(run.rows.map(({ exitval }) => exitval)).toEqual([0, 124, 124]);
    const sleeping = () =>
      nodes.processesOf(0).flatMap((pid) => /sleep.(4\d)/.exec(commandLine(pid))?.[1] ?? []);
    expect(sleeping()).toEqual(['47']);
    await killTasks(nodes, 0);
  });

  it('lets what a task started save its work when its time is over', async () => {
    const saves = `bash -c 'trap "sleep 0.2; echo > saved; exit" TERM; sleep 40 & wait'; true`;
    const run = runFanout(startPool, nodes, [saves], { taskSeconds: 1 });
    expect(await run.result).toMatchObject({ failed: 1 });
    expect(existsSync(join(run.request.workdir, 'saved'))).toBe(true);
    expect(run.rows[0]?.runtime).toBeLessThan(2);
  });

  it('starts a failed task again, as often as asked, and its last row counts', async () => {
    const counter = (name: string) =>
      `n=$(cat ${name} 2>/dev/null || echo 0); echo $((n+1)) > ${name}; [ $n -ge 2 ]`;
    const run = runFanout(startPool, nodes, [counter('a'), 'exit 9', 'true'], { taskRetries: 2 });
    expect(await run.result).toMatchObject({ succeeded: 2, failed: 1, retried: 2 });
    expect(seqs(run.rows)).toEqual([1, 2, 3]);
    expect(seqs(run.retries)).toEqual([1, 1, 2, 2]);
    expect(readFileSync(join(run.request.workdir, 'a'), 'utf8')).toBe('3\n');
  });

  it('runs only what is not done', async () => {
    const run = runFanout(
      startPool,
      nodes,
      numbered(20, () => 'true'),
      { done: new Set(upTo(20).filter((seq) => seq % 4 !== 0)) },
    );
    expect(await run.result).toMatchObject({ succeeded: 5, unfinished: 0 });
    expect(seqs(run.rows)).toEqual([4, 8, 12, 16, 20]);
  });

  it('keeps the rows of an earlier attempt and ends a line that a crash cut off', async () => {
    const first = runFanout(startPool, nodes, ['true', 'exit 4']);
    await first.result;
    const { appendFileSync } = await import('node:fs');
    appendFileSync(first.request.joblog, '2\tcut off in the mid');
    const second = runFanout(startPool, nodes, ['true', 'true'], {
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
      startPool,
      nodes,
      numbered(60, (seq) => `echo ${seq} $PARALLEL_SSHHOST >> started; sleep 0.15`),
    );
    await delay(1200);
    const lost = nodes.addresses[2] ?? '';
    await killTasks(nodes, 2);
    run.running.removeNode(2, 'its host was lost');
    expect(await run.result).toEqual({ succeeded: 60, failed: 0, retried: 0, unfinished: 0 });
    expect(seqs(run.rows)).toEqual(upTo(60));
    const started = readFileSync(join(run.request.workdir, 'started'), 'utf8').trimEnd().split('\n');
    const finished = new Map(run.rows.map((row) => [row.seq, row.host]));
    for (const seq of upTo(60)) {
      const hosts = started.filter((line) => line.startsWith(`${seq} `));
      expect(hosts.length).toBeLessThanOrEqual(
        hosts.some((line) => line.endsWith(lost)) && finished.get(seq) !== lost ? 2 : 1,
      );
    }
  });

  it('asks what to do when a connection breaks, and goes on over a new one', async () => {
    const run = runFanout(
      startPool,
      nodes,
      numbered(60, () => 'sleep 0.1'),
      {
        onChannelLost: async (node) => {
          await killTasks(nodes, node);
          return 'reconnect';
        },
      },
    );
    await delay(900);
    const [agent] = nodes.processesOf(1).filter((pid) => commandLine(pid).includes('agent.pl'));
    expect(agent).toBeDefined();
    kill(agent ?? 0);
    expect(await run.result).toEqual({ succeeded: 60, failed: 0, retried: 0, unfinished: 0 });
    expect(run.lost.map(({ node }) => node)).toEqual([1]);
    expect(run.rows.filter((row) => row.host === nodes.addresses[1]).length).toBeGreaterThan(0);
    expect(seqs(run.rows)).toEqual(upTo(60));
  });

  it('notices within seconds that the GNU parallel of a node was killed', async () => {
    const run = runFanout(startPool, nodes, Array(6).fill('sleep 3'), {
      onChannelLost: async (node) => {
        await killTasks(nodes, node);
        return 'reconnect';
      },
    });
    const started = () => nodes.processesOf(1).filter((pid) => commandLine(pid).includes('par-job'));
    await vi.waitFor(() => expect(started().length).toBeGreaterThan(0), 10_000);
    const parallel = nodes.processesOf(1).find((pid) => commandLine(pid).includes('--ungroup'));
    kill(parallel ?? 0);
    await vi.waitFor(() => expect(run.lost).toHaveLength(1), 3_000);
    expect(run.lost[0]?.why).toContain('GNU parallel ended before it was told to');
    expect(await run.result).toEqual({ succeeded: 6, failed: 0, retried: 0, unfinished: 0 });
  }, 30_000);

  it('asks also before it leaves a node alone whose connection breaks again and again', async () => {
    const run = runFanout(
      startPool,
      nodes,
      numbered(60, () => 'sleep 0.5'),
      {
        onChannelLost: async (node) => {
          await killTasks(nodes, node);
          return 'reconnect';
        },
      },
    );
    for (const times of [1, 2, 3, 4]) {
      const tasks = () => nodes.processesOf(1).filter((pid) => commandLine(pid).includes('par-job'));
      await vi.waitFor(() => expect(tasks().length).toBeGreaterThan(0), 10_000);
      for (const pid of nodes.processesOf(1).filter((one) => commandLine(one).includes('agent.pl')))
        kill(pid);
      await vi.waitFor(() => expect(run.lost).toHaveLength(times), 10_000);
    }
    expect(await run.result).toMatchObject({ succeeded: 60, unfinished: 0 });
    expect(run.lost.map(({ node }) => node)).toEqual([1, 1, 1, 1]);
  }, 60_000);

  it('tells a command that exits 255 from a lost connection', async () => {
    const run = runFanout(
      startPool,
      nodes,
      numbered(9, () => 'exit 255'),
    );
    expect(await run.result).toMatchObject({ failed: 9, unfinished: 0 });
    expect(run.lost).toEqual([]);
  });

  it('ends when no node is left, and says how much is unfinished', async () => {
    const run = runFanout(
      startPool,
      nodes,
      numbered(40, () => 'sleep 1'),
      { onChannelLost: async () => 'evict' },
    );
    await delay(700);
    for (const index of nodes.addresses.keys()) {
      await killTasks(nodes, index);
      run.running.removeNode(index, 'lost');
    }
    const result = await run.result;
    expect(result.unfinished).toBeGreaterThan(30);
    expect(result.succeeded + result.failed + result.unfinished).toBe(40);
  });

  it('stops in mid-run: every task ends, what is done is recorded', async () => {
    const run = runFanout(startPool, nodes, [
      ...numbered(6, () => 'true'),
      ...numbered(20, () => 'trap "" TERM; sleep 30 & wait; sleep 30'),
    ]);
    // The short ones have ended; of the long ones as many run as there are slots.
    await vi.waitFor(() => expect([run.rows.length, run.running.running()]).toEqual([6, 6]), 15_000);
    await run.running.stop('a test', 500);
    const result = await run.result;
    expect(result).toMatchObject({ succeeded: 6, unfinished: 20 });
    expect(seqs(parseJoblog(readFileSync(run.request.joblog, 'utf8')))).toEqual(upTo(6));
    for (const index of nodes.addresses.keys()) expect(taskProcesses(nodes, index)).toEqual([]);
  });

  it('uses a node that comes late', async () => {
    const all = nodes.addresses.map((address, index) => ({ index, address, slots: 2 }));
    const run = runFanout(
      startPool,
      nodes,
      numbered(40, () => 'sleep 0.1'),
      { nodes: all.slice(0, 1) },
    );
    await delay(500);
    for (const node of all.slice(1)) run.running.addNode(node);
    await run.result;
    expect(new Set(run.rows.map((row) => row.host))).toEqual(new Set(nodes.addresses));
  });

  it('does not let short tasks wait behind a long one of their group', async () => {
    // The long one takes as long as it takes all others to be done.
    const others = 399;
    const long = `for i in $(seq 400); do [ $(wc -l < done) -lt ${others} ] || exit 0; sleep 0.1; done; exit 1`;
    const run = runFanout(
      startPool,
      nodes,
      numbered(others + 1, (seq) => (seq === 150 ? `sleep 1; ${long}` : 'echo >> done')),
    );
    expect(await run.result).toMatchObject({ succeeded: others + 1, failed: 0 });
  }, 60_000);

  it('says so when the results cannot be written', async () => {
    const run = runFanout(startPool, nodes, ['true', 'true'], { results: '/dev/null/no-such-place' });
    const result = await run.result;
    expect(result.broken).toMatch(/no-such-place/);
    expect(result.succeeded).toBe(0);
  });

  it('refuses a list that is not the one planned', async () => {
    const run = runFanout(startPool, nodes, ['true', 'true'], { total: 3 });
    expect((await run.result).broken).toMatch(/has 2 lines and 3 were planned/);
    expect(existsSync(run.request.joblog)).toBe(false);
  });

  it('leaves no script, folder or socket of its own behind but its scratch folder', async () => {
    const alone = await loopbackNodes(1);
    const own = join(alone.folder, 'temporary');
    mkdirSync(own);
    const run = runFanout(
      startPool,
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
