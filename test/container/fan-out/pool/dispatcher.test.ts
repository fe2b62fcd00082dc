import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock/virtual.ts';
import type { FakeChannel } from './fake-pool.ts';
import { A_ROW, aPool, settled } from './fake-pool.ts';

describe('the dispatcher', () => {
  it('tells starts in node 0’s time, and everything else as the node said it', async () => {
    const nodes = [{ index: 3, address: '10.0.0.3', slots: 2, clockAheadSeconds: 100 }];
    const { of, rows, end } = await aPool(2, { nodes });
    of(3).tell({ kind: 'ready' });
    of(3).row(1, { startTime: 5000.5, runtime: 2.5, exitval: 3, bytes: 9 });
    of(3).row(2, { startTime: 5001, signal: 9 });
    const { result, joblog } = await end();
    expect(joblog).toEqual([
      {
        seq: 1,
        host: '10.0.0.3',
        startTime: 4900.5,
        runtime: 2.5,
        send: 0,
        receive: 9,
        exitval: 3,
        signal: 0,
        command: 'c 1',
      },
      {
        seq: 2,
        host: '10.0.0.3',
        startTime: 4901,
        runtime: 1,
        send: 0,
        receive: 7,
        exitval: 0,
        signal: 9,
        command: 'c 2',
      },
    ]);
    expect(rows.map(([{ seq }, node]) => [seq, node])).toEqual([
      [1, 3],
      [2, 3],
    ]);
    expect(result).toEqual({ succeeded: 0, failed: 2, retried: 0, unfinished: 0 });
  });

  it('gives nothing to a node that is not ready, and one task a slot as long as nothing is measured', async () => {
    const nodes = [0, 1].map((index) => ({ index, address: `10.0.0.${index}`, slots: 2 + index }));
    const { pool, of } = await aPool(10, { nodes });
    expect(pool.running()).toBe(0);
    of(1).tell({ kind: 'ready' });
    expect([of(0).under(), of(1).under()]).toEqual([[], [1, 2, 3]]);
    of(0).tell({ kind: 'ready' });
    expect(of(0).under()).toEqual([4, 5]);
    expect(pool.running()).toBe(5);
  });

  it('starts a failed task as often again as was asked for, and the last try counts', async () => {
    const { of, retries, end } = await aPool(1, {
      taskRetries: 2,
      nodes: [{ index: 0, address: 'a', slots: 1 }],
    });
    of(0).tell({ kind: 'ready' });
    for (const exitval of [1, 2, 3]) {
      const group = [...of(0).groups.keys()].at(-1) ?? 0;
      of(0).row(1, { exitval });
      of(0).tell({ kind: 'end', group });
      await settled();
    }
    const { result, joblog } = await end();
    expect(joblog.map(({ exitval }) => exitval)).toEqual([1, 2, 3]);
    expect(retries).toEqual([1, 1]);
    expect(result).toEqual({ succeeded: 0, failed: 1, retried: 1, unfinished: 0 });
  });

  it('does not start a task again elsewhere before its node’s tasks are known to be over', async () => {
    let answer = (_: 'reconnect' | 'evict') => undefined as unknown;
    const onChannelLost = () => new Promise<'reconnect' | 'evict'>((resolve) => (answer = resolve));
    const { of, end, pool } = await aPool(2, {}, { onChannelLost });
    of(1).tell({ kind: 'ready' });
    of(1).close('gone', false);
    of(0).tell({ kind: 'ready' });
    expect(of(0).under()).toEqual([2]);
    of(0).row(2);
    of(0).tell({ kind: 'end', group: 2 });
    await settled();
    expect(of(0).under()).toEqual([]);
    answer('evict');
    await settled();
    expect(of(0).under()).toEqual([1]);
    of(0).row(1);
    expect((await end()).result).toMatchObject({ succeeded: 2, unfinished: 0 });
    expect(pool.running()).toBe(0);
  });

  it('asks also before it leaves a node alone, which it does at the fourth loss', async () => {
    let asked = 0;
    const { channels, of, end } = await aPool(
      1,
      { nodes: [{ index: 0, address: 'a', slots: 1 }] },
      {
        onChannelLost: async () => {
          asked += 1;
          return 'reconnect';
        },
      },
    );
    for (let loss = 1; loss <= 4; loss += 1) {
      expect(channels).toHaveLength(loss);
      of(0).tell({ kind: 'ready' });
      of(0).close('gone', false);
      await settled();
    }
    expect((await end()).result).toMatchObject({ unfinished: 1 });
    expect([channels.length, asked]).toEqual([4, 4]);
  });

  it('stops with what was asked for, and takes nothing new', async () => {
    const { pool, channels, of, end } = await aPool(5);
    of(0).tell({ kind: 'ready' });
    of(1).tell({ kind: 'ready' });
    of(0).row(1);
    pool.stop('enough', 1234);
    pool.addNode({ index: 7, address: 'late', slots: 1 });
    const { result, joblog } = await end();
    expect(channels).toHaveLength(2);
    expect(of(0).said).toEqual(['stop 1234']);
    expect(result).toMatchObject({ succeeded: 1, unfinished: 4 });
    expect(joblog.map(({ seq }) => seq)).toEqual([1]);
  });

  it('believes a row only of the node that has the task', async () => {
    const { of, end } = await aPool(2);
    of(0).tell({ kind: 'ready' });
    const [group = 0] = of(0).groups.keys();
    of(0).giveBack(1);
    of(0).endGroup(group);
    of(1).tell({ kind: 'ready' });
    expect([of(0).under(), of(1).under()]).toEqual([[1], [2]]);
    of(1).tell({ ...A_ROW, group, exitval: 9 });
    of(0).tell({ ...A_ROW, group, exitval: 9 });
    of(0).row(1);
    of(1).row(2);
    expect((await end()).joblog.map(({ exitval }) => exitval)).toEqual([0, 0]);
  });

  it('hears nothing that an old connection says', async () => {
    const { channels, of, end } = await aPool(1, { nodes: [{ index: 0, address: 'a', slots: 1 }] });
    of(0).tell({ kind: 'ready' });
    of(0).close('gone', false);
    await settled();
    const [old, now] = channels;
    for (const kind of ['ready', 'crashed', 'failed'] as const)
      old?.tell(kind === 'ready' ? { kind } : { kind, group: 1, message: 'x' });
    expect([now?.isOpen, now?.under()]).toEqual([true, []]);
    now?.tell({ kind: 'ready' });
    now?.row(1);
    expect((await end()).result).toEqual({ succeeded: 1, failed: 0, retried: 0, unfinished: 0 });
  });

  it('connects to no node again that was removed while it was asked for', async () => {
    let answer = (_: 'reconnect') => undefined as unknown;
    const onChannelLost = () => new Promise<'reconnect'>((resolve) => (answer = resolve));
    const { pool, channels, of } = await aPool(2, {}, { onChannelLost });
    of(1).close('gone', false);
    pool.removeNode(1, 'its lease is over');
    answer('reconnect');
    await settled();
    expect(channels).toHaveLength(2);
  });

  it('starts a task again that a signal ended', async () => {
    const { of, retries, end } = await aPool(1, { taskRetries: 1 });
    of(0).tell({ kind: 'ready' });
    of(0).row(1, { signal: 9 });
    of(0).endGroup(1);
    expect(of(0).under()).toEqual([1]);
    of(0).row(1);
    expect((await end()).result).toMatchObject({ succeeded: 1, retried: 1 });
    expect(retries).toEqual([1]);
  });

  it('binds a task ahead to a node, but not to one that has given one back until it has ended another', async () => {
    const { of } = await aPool(10, { nodes: [{ index: 0, address: 'a', slots: 1 }] });
    of(0).tell({ kind: 'ready' });
    of(0).row(1);
    of(0).endGroup(1);
    expect(of(0).under()).toEqual([2, 3]);
    of(0).giveBack(3);
    of(0).endGroup(3);
    expect(of(0).under()).toEqual([2]);
    of(0).row(2);
    of(0).endGroup(2);
    expect(of(0).under()).toEqual([3, 4]);
  });

  it('is broken by storage that a group runner cannot write to, and says where', async () => {
    const { of, end } = await aPool(3);
    of(0).tell({ kind: 'ready' });
    const message = 'open /mnt/efs/x: No space left on device';
    of(0).tell({ kind: 'failed', group: 1, message });
    expect((await end()).result).toMatchObject({
      broken: `node 0: ${message}`,
      storageFailed: true,
      unfinished: 3,
    });
  });

  it('gives nothing more to a node that cannot start tasks; with no other it ends, and says why', async () => {
    const unfit: number[] = [];
    const { of, end } = await aPool(3, {}, { onUnfit: (node) => unfit.push(node) });
    of(0).tell({ kind: 'ready' });
    of(0).giveBack(1);
    of(0).tell({
      kind: 'unfit',
      group: 1,
      message: 'cannot start a process: Resource temporarily unavailable',
    });
    of(0).endGroup(1);
    expect(of(0).under()).toEqual([]);
    of(1).tell({ kind: 'ready' });
    of(1).row(1);
    of(1).endGroup(2);
    of(1).giveBack(2);
    of(1).tell({ kind: 'unfit', group: 3, message: 'cannot write /tmp/x: No space left on device' });
    of(1).endGroup(3);
    const why =
      'node 0: cannot start a process: Resource temporarily unavailable; node 1: cannot write /tmp/x: No space left on device';
    expect((await end()).result).toEqual({
      succeeded: 1,
      failed: 0,
      retried: 0,
      unfinished: 2,
      broken: `no node takes tasks any more; ${why}`,
      stranded: why,
    });
    expect(unfit).toEqual([0, 1]);
  });

  it('gives a task up that ran on two nodes when they were lost, and lets those beside it go on', async () => {
    const nodes = [0, 1, 2].map((index) => ({ index, address: `10.0.0.${index}`, slots: 2 }));
    const told: [number, string | undefined][] = [];
    const { pool, of, end } = await aPool(
      3,
      { nodes },
      { onRow: ({ seq }, _, about) => told.push([seq, about?.stderr]) },
    );
    const begin = (node: number) => {
      for (const [group, [seq = 0]] of of(node).groups) of(node).tell({ kind: 'started', group, seq });
    };
    of(0).tell({ kind: 'ready' });
    expect(of(0).under()).toEqual([1, 2]);
    begin(0);
    pool.removeNode(0, 'its lease is over');
    // Either may have been the cause: they run on different nodes from now on.
    of(1).tell({ kind: 'ready' });
    expect(of(1).under()).toEqual([1, 3]);
    begin(1);
    pool.removeNode(1, 'its lease is over');
    of(2).tell({ kind: 'ready' });
    expect(of(2).under()).toEqual([3]);
    of(2).row(3);
    of(2).endGroup(of(2).groups.keys().next().value ?? 0);
    expect(of(2).under()).toEqual([2]);
    of(2).row(2);
    expect((await end()).result).toMatchObject({ succeeded: 2, failed: 1, unfinished: 0 });
    expect(told[0]).toEqual([1, 'given up: task 1 was running on node 0 and node 1 when both were lost']);
  });

  it('does not start again what ran on nodes that earlier attempts lost', async () => {
    const losses = new Map([[2, ['node 1 of attempt 1', 'node 3 of attempt 2']]]);
    const { of, end } = await aPool(2, { losses, nodes: [{ index: 0, address: 'a', slots: 2 }] });
    const ended = end();
    of(0).tell({ kind: 'ready' });
    expect(of(0).under()).toEqual([1]);
    of(0).row(1);
    expect((await ended).result).toMatchObject({ succeeded: 1, failed: 1, unfinished: 0 });
  });

  it('tries once more alone on a node, after the others, what was killed while it had no memory', async () => {
    const nodes = [{ index: 0, address: 'a', slots: 2 }];
    const { of, end, retries } = await aPool(4, { nodes });
    const endAll = () => {
      for (const [group, seqs] of of(0).groups) if (seqs.size === 0) of(0).endGroup(group);
    };
    of(0).tell({ kind: 'ready' });
    for (const seq of [1, 2]) of(0).row(seq, { exitval: 137, isOutOfMemory: true });
    endAll();
    expect(of(0).under()).toEqual([3, 4]);
    of(0).row(3);
    endAll();
    expect(of(0).under()).toEqual([4]);
    of(0).row(4);
    endAll();
    expect(of(0).under()).toEqual([1]);
    of(0).row(1);
    endAll();
    expect(of(0).under()).toEqual([2]);
    of(0).row(2, { exitval: 137, isOutOfMemory: true });
    const { result } = await end();
    expect(result).toEqual({ succeeded: 3, failed: 1, retried: 0, unfinished: 0 });
    expect(retries).toEqual([1, 2]);
  });

  it('tells a node that never was ready as unusable, once it was asked for again', async () => {
    const unusable: [number, string][] = [];
    const { of, end } = await aPool(1, {}, { onUnusable: (node, why) => unusable.push([node, why]) });
    of(0).tell({ kind: 'unusable', message: 'cannot start GNU parallel: No such file or directory' });
    of(1).close('ssh ended with 127: perl: not found', false);
    await settled();
    of(1).close('ssh ended with 127: perl: not found', false);
    await settled();
    expect((await end()).result).toMatchObject({ unfinished: 1 });
    expect(unusable).toEqual([
      [0, 'cannot start GNU parallel: No such file or directory'],
      [1, 'ssh ended with 127: perl: not found'],
    ]);
  });

  it('takes next those that are spread over the list, when it is asked to', async () => {
    const nodes = [{ index: 0, address: 'a', slots: 4 }];
    const { pool, of } = await aPool(1000, { nodes });
    pool.sample(4);
    of(0).tell({ kind: 'ready' });
    expect(of(0).under()).toEqual([126, 376, 626, 876]);
  });

  it('is broken when for a minute no task begins, runs or ends', async () => {
    const clock = new VirtualClock(0);
    const { of, end } = await aPool(2, { clock });
    of(0).tell({ kind: 'ready' });
    const ended = end();
    await clock.runUntil(() => false, 90_000);
    expect((await ended).result).toMatchObject({
      broken: 'for 60 s no task began and none ended, and 2 wait',
      unfinished: 2,
    });
  });
});

interface Doing {
  what: 'row' | 'fail' | 'back' | 'end' | 'lose' | 'crash' | 'stale' | 'remove';
  which: number;
}

const doings: fc.Arbitrary<Doing[]> = fc.array(
  fc.record({
    what: fc.constantFrom('row', 'row', 'row', 'fail', 'back', 'end', 'lose', 'crash', 'stale', 'remove'),
    which: fc.nat(),
  }),
  { maxLength: 60 },
);

/** Three nodes that do what they are told, right or wrong. */
class Nodes {
  readonly failures = new Map<number, number>();
  readonly #pool: Awaited<ReturnType<typeof aPool>>;

  constructor(pool: Awaited<ReturnType<typeof aPool>>) {
    this.#pool = pool;
    for (const channel of this.#open()) channel.tell({ kind: 'ready' });
  }

  async do({ what, which }: Doing): Promise<void> {
    const open = this.#open();
    const channel = open[which % Math.max(1, open.length)];
    if (channel === undefined) return;
    const [group = 0] = channel.groups.keys();
    if (what === 'lose') channel.close('gone', false);
    else if (what === 'crash') channel.tell({ kind: 'crashed', group });
    else if (what === 'remove' && open.length > 1)
      this.#pool.pool.removeNode(channel.node, 'its lease is over');
    // A connection that was given up may still say something.
    else if (what === 'stale') this.#pool.channels.find(({ isOpen }) => !isOpen)?.row(1, { group: 1 });
    else if (what === 'end') channel.endGroup(group);
    else this.#answer(channel, what);
    await this.#goOn();
  }

  /** Ends everything well. */
  async finish(): Promise<void> {
    for (let round = 0; round < 200 && this.#open().length > 0; round += 1) {
      for (const channel of this.#open()) while (channel.under().length > 0) this.#answer(channel, 'row');
      await this.#goOn();
    }
  }

  #answer(channel: FakeChannel, what: Doing['what']): void {
    const [seq] = channel.under();
    if (seq === undefined) return;
    if (what === 'back') channel.giveBack(seq);
    else if (what === 'fail') {
      this.failures.set(seq, (this.failures.get(seq) ?? 0) + 1);
      channel.row(seq, { exitval: 1 });
    } else channel.row(seq);
  }

  async #goOn(): Promise<void> {
    await settled();
    for (const channel of this.#open()) {
      channel.tell({ kind: 'ready' });
      for (const [group, seqs] of channel.groups) if (seqs.size === 0) channel.endGroup(group);
    }
    const under = this.#open().flatMap((channel) => channel.under());
    expect(under).toEqual([...new Set(under)]);
  }

  #open(): FakeChannel[] {
    return this.#pool.channels.filter(({ isOpen }) => isOpen);
  }
}

it('whatever nodes do, each task has one final row, and none runs twice at once', async () => {
  const nodes = [0, 1, 2].map((index) => ({ index, address: `10.0.0.${index}`, slots: 1 + index }));
  await fc.assert(
    fc.asyncProperty(
      doings,
      fc.integer({ min: 1, max: 25 }),
      fc.nat(2),
      fc.boolean(),
      async (steps, total, taskRetries, evicts) => {
        const onChannelLost = async () => (evicts ? 'evict' : 'reconnect') as 'evict' | 'reconnect';
        const pool = await aPool(total, { nodes, taskRetries }, { onChannelLost });
        const { rows, retries, end } = pool;
        const played = new Nodes(pool);
        for (const step of steps) await played.do(step);
        await played.finish();
        const { result, joblog: tries } = await end();
        expect(tries).toHaveLength(rows.length + retries.length);
        const ends = new Set(rows.map(([{ seq }]) => seq));
        const last = new Map(tries.map((row) => [row.seq, row]));
        const joblog = [...last.values()].filter(({ seq }) => ends.has(seq));
        const finished = joblog.map(({ seq }) => seq).toSorted();
        expect(rows.map(([{ seq }]) => seq).toSorted()).toEqual(finished);
        expect(finished.length + result.unfinished).toBe(total);
        expect(result.succeeded + result.failed).toBe(finished.length);
        const isKind = steps.every(({ what }) => !['lose', 'crash', 'remove'].includes(what));
        expect(result.unfinished).toBe(isKind ? 0 : result.unfinished);
        const failures = [...played.failures];
        const final = failures.filter(([, failed]) => failed > taskRetries).map(([seq]) => seq);
        expect(
          joblog
            .filter(({ exitval }) => exitval === 1)
            .map(({ seq }) => seq)
            .toSorted(),
        ).toEqual(final.toSorted());
        expect(failures.every(([, failed]) => failed <= taskRetries + 1)).toBe(true);
        expect(retries.length).toBe(
          failures.reduce((sum, [, failed]) => sum + Math.min(failed, taskRetries), 0),
        );
        expect(result.retried).toBe(taskRetries === 0 ? 0 : failures.length);
      },
    ),
    { numRuns: 100 },
  );
});
