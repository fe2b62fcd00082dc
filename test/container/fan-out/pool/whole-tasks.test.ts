import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TryEnd } from '../../../../container/fan-out/fan-out.ts';
import { startPool } from '../../../../container/fan-out/pool/pool.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import type { FanoutRun } from '../../../support/run-fan-out.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(1);
});
afterAll(() => nodes.close());

const run = (commands: readonly string[], more: Parameters<typeof runFanout>[3] = {}) =>
  runFanout(startPool(realClock), nodes, commands, more);

/** What the tasks wrote, by the beginning of their commands. */
function written({ request: { results } }: FanoutRun, stream: 'stdout' | 'stderr', begins: string): string {
  const folder = readdirSync(join(results, '1')).find((name) => name.startsWith(begins)) ?? 'none';
  return readFileSync(join(results, '1', folder, stream), 'utf8');
}

describe('a task', () => {
  it('keeps what it wrote before it opened /dev/stderr or /dev/stdout again', async () => {
    const tasks = run([
      ": 1; echo 'the mesh has no cells' >&2; echo 'giving up' > /dev/stderr; exit 3",
      ": 2; echo 'the licence is gone' >&2; echo 17 | tee /dev/stderr; exit 4",
      ': 3; echo first; echo second > /dev/stdout; exit 5',
    ]);
    expect(await tasks.result).toMatchObject({ failed: 3 });
    expect(written(tasks, 'stderr', ': 1')).toBe('the mesh has no cells\ngiving up\n');
    expect(written(tasks, 'stderr', ': 2')).toBe('the licence is gone\n17\n');
    expect(written(tasks, 'stdout', ': 3')).toBe('first\nsecond\n');
  });

  it('is over when its processes are, whatever they hold, and so is its slot', async () => {
    const ends = 'echo done >> order';
    const tasks = run(
      [
        `(sleep 0.5; ${ends}) > /dev/null 2>&1 &`,
        `timeout 9 bash -c 'sleep 0.5; ${ends}' > /dev/null 2>&1 & exit 0`,
        `(trap '' TERM HUP; sleep 0.5; ${ends}) &`,
        'wc -l < order',
      ],
      { slots: 1 },
    );
    expect(await tasks.result).toMatchObject({ succeeded: 4 });
    expect(written(tasks, 'stdout', 'wc')).toBe('3\n');
  });

  it('does not wait for what left its session: that is counted, and what it says is kept', async () => {
    const about: [number, TryEnd | undefined][] = [];
    const tasks = run(
      [
        `setsid bash -c 'until [ -e go ]; do sleep 0.05; done; echo late; touch said' &`,
        'touch go; until [ -e said ]; do sleep 0.05; done',
      ],
      {
        slots: 1,
        onRow: ({ seq }, _, more) => about.push([seq, more]),
      },
    );
    expect(await tasks.result).toMatchObject({ succeeded: 2 });
    expect(about.map(([seq, more]) => [seq, (more?.left ?? 0) > 0])).toEqual([
      [1, true],
      [2, false],
    ]);
    await expect.poll(() => written(tasks, 'stdout', 'setsid')).toBe('late\n');
  });

  it('has its grace at its limit, and no more', async () => {
    const save = `trap 'sleep 1; touch saved-$SIERRA_BATCH_TASK; exit' TERM; while :; do sleep 0.1; done`;
    const tasks = run(
      [save, `bash -c "${save.replaceAll('$', '\\$')}"; true`, "trap '' TERM; while :; do sleep 0.1; done"],
      {
        taskSeconds: 1,
        graceMs: 3000,
        slots: 3,
      },
    );
    expect(await tasks.result).toMatchObject({ failed: 3 });
    expect(tasks.rows.map(({ exitval }) => exitval)).toEqual([124, 124, 124]);
    expect(existsSync(join(tasks.request.workdir, 'saved-1'))).toBe(true);
    expect(existsSync(join(tasks.request.workdir, 'saved-2'))).toBe(true);
  });

  it('is ended when it has written more than it may to both streams, which keep no more, and its last line says why', async () => {
    const writes = 'head -c 600000; head -c 600000 >&2';
    const said: [number, string | undefined][] = [];
    const tasks = run(
      [
        `: over; (${writes}) < /dev/zero`,
        `: endless; trap 'echo saved > saved; exit' TERM; yes & wait`,
        ': within; head -c 1048576 /dev/zero',
      ],
      { outputMiB: 1, slots: 3, onRow: ({ seq }, _, about) => said.push([seq, about?.stderr]) },
    );
    expect(await tasks.result).toMatchObject({ succeeded: 1, failed: 2 });
    expect(tasks.rows.toSorted((a, b) => a.seq - b.seq).map(({ exitval }) => exitval)).toEqual([153, 153, 0]);
    const size = (stream: 'stdout' | 'stderr', task: string) => written(tasks, stream, task).length;
    for (const task of [': over', ': endless'])
      expect(
        size('stdout', task) + size('stderr', task) - 'output over 1 MiB\n'.length - 1,
      ).toBeLessThanOrEqual(2 ** 20);
    expect(size('stdout', ': within')).toBe(2 ** 20);
    expect(written(tasks, 'stderr', ': over')).toMatch(/\noutput over 1 MiB\n$/);
    expect(written(tasks, 'stderr', ': endless')).toBe('output over 1 MiB\n');
    expect(existsSync(join(tasks.request.workdir, 'saved'))).toBe(true);
    expect(said.find(([seq]) => seq === 2)?.[1]).toContain('output over 1 MiB');
  });

  it('leaves no more than it may where it runs on in a session of its own', async () => {
    // It writes once its task has ended, and is ended with the run, which the second task keeps until then.
    const writes = 'until [ -e go ]; do sleep 0.05; done; head -c 3000000 /dev/zero; touch ended';
    const tasks = run(
      [`: stays; setsid sh -c "${writes}" & exit`, 'touch go; until [ -e ended ]; do sleep 0.05; done'],
      { outputMiB: 1, slots: 1 },
    );
    await tasks.result;
    expect(existsSync(join(tasks.request.workdir, 'ended'))).toBe(true);
    expect(written(tasks, 'stdout', ': stays').length).toBe(2 ** 20);
  });

  it('knows its number, its slot and its try, and has a folder of its own that goes with it', async () => {
    const tells = 'echo "$SIERRA_BATCH_TASK $SIERRA_BATCH_SLOT $SIERRA_BATCH_TRY"';
    const makes =
      'echo "$TMPDIR" >> ../tmp; mkdir -p "$TMPDIR/a/b"; touch "$TMPDIR/a/b/c"; chmod 0 "$TMPDIR/a"';
    const tasks = run([`${tells}; ${makes}; [ $SIERRA_BATCH_TRY = 2 ]`], { taskRetries: 1, slots: 1 });
    expect(await tasks.result).toMatchObject({ succeeded: 1, retried: 1 });
    expect(written(tasks, 'stdout', 'echo')).toBe('1 1 2\n');
    const folders = readFileSync(join(tasks.request.workdir, '../tmp'), 'utf8').trim().split('\n');
    expect(folders).toHaveLength(2);
    for (const folder of folders) expect(existsSync(folder)).toBe(false);
  });

  it('has devices that no other has at once, unless there are fewer than slots', async () => {
    const holds =
      'd=$CUDA_VISIBLE_DEVICES; [ "$d" = "$ROCR_VISIBLE_DEVICES" ] && mkdir held-$d && sleep 0.0$((RANDOM % 9)) && rmdir held-$d; echo $d >> devices';
    const tasks = run(
      Array.from({ length: 60 }, (_, at) => `: ${at}; ${holds}`),
      { gpus: 8, slots: 4 },
    );
    expect(await tasks.result).toMatchObject({ succeeded: 60 });
    const devices = readFileSync(join(tasks.request.workdir, 'devices'), 'utf8').trim().split('\n');
    expect([...new Set(devices)].toSorted()).toEqual(['0,1', '2,3', '4,5', '6,7']);
    const shared = run(['echo $CUDA_VISIBLE_DEVICES', ': own; echo $CUDA_VISIBLE_DEVICES'], {
      gpus: 1,
      slots: 4,
    });
    await shared.result;
    expect(written(shared, 'stdout', 'echo')).toBe('0\n');
  });

  it('is named when it removes the folder that all start in', async () => {
    const tasks = run(['true', 'rm -rf "$PWD"', 'true'], { slots: 1 });
    expect(await tasks.result).toMatchObject({ removedBy: 2, unfinished: 1 });
  });

  it('is told of by the end of what it said, once it has failed', async () => {
    const said: (string | undefined)[] = [];
    const tasks = run([`printf 'a\\tb\\\\c\\rd\\né\\n' >&2; exit 1`, 'echo unread >&2'], {
      slots: 1,
      onRow: (_row, _node, about) => said.push(about?.stderr),
    });
    expect(await tasks.result).toMatchObject({ succeeded: 1, failed: 1 });
    expect(said).toEqual(['a\tb\\c\rd\né\n', undefined]);
  });
});
