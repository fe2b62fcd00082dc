import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FakeChannel } from './fake-pool.ts';
import { aPool, settled } from './fake-pool.ts';

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
    of(1).tell({
      kind: 'row',
      group,
      seq: 1,
      exitval: 9,
      signal: 0,
      bytes: 0,
      startTime: 1,
      runtime: 1,
      opening: 0,
    });
    of(0).tell({
      kind: 'row',
      group,
      seq: 1,
      exitval: 9,
      signal: 0,
      bytes: 0,
      startTime: 1,
      runtime: 1,
      opening: 0,
    });
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

  it.each([
    ['fork: no more processes', false],
    ['open /mnt/efs/x: No space left on device', true],
  ])('is broken by what a group runner says: %s', async (message, storageFailed) => {
    const { of, end } = await aPool(3);
    of(0).tell({ kind: 'ready' });
    of(0).tell({ kind: 'failed', group: 1, message });
    expect((await end()).result).toMatchObject({
      broken: `node 0: ${message}`,
      storageFailed,
      unfinished: 3,
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
