import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInUse, lockBatchRoot, lockResumed } from '../../../container/attempt/folder-lock.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { anAttempt } from '../../fixtures/attempt.ts';

const RESUMED = 'sweep-00000000000';
/** Nobody has touched it for longer than the holder's lock counts. */
const LONG_AGO = Date.now() / 1000 - 3600;

interface Taker {
  runId: string;
  attempt?: number;
}

/** Attempts that go on with one run, in one folder. Their waits are over at once. */
function aFolder() {
  const shared = folderOfItsOwn();
  const folder = join(shared, 'runs', RESUMED, '.sierra-batch');
  const taker = async ({ runId, attempt = 1 }: Taker) => {
    const never = new Promise<void>(() => undefined);
    // A wait with a signal is a limit, which nothing reaches here.
    const sleep = async (_ms: number, limit?: AbortSignal) => (limit === undefined ? undefined : never);
    const clock = { now: () => 0, sleep };
    const made = await anAttempt({
      clock,
      config: { shared, runId, attempt },
      plan: { runId, resume: RESUMED, folder: RESUMED },
    });
    return made.attempt;
  };
  const lock = () => join(folder, readdirSync(folder).find((name) => name.endsWith('.lock')) ?? 'none');
  const leave = (holder: object | string, isStale: boolean) => {
    mkdirSync(folder, { recursive: true });
    // Of the whole folder: the hash of nothing.
    const path = join(folder, 'e3b0c44298fc1c14.lock');
    writeFileSync(path, typeof holder === 'string' ? holder : JSON.stringify(holder));
    if (isStale) utimesSync(path, LONG_AGO, LONG_AGO);
  };
  const holder = () => JSON.parse(readFileSync(lock(), 'utf8'));
  return { folder, taker, leave, lock, holder };
}

describe('the lock of a folder', () => {
  it('is one run’s at a time, and the other is told whose', async () => {
    const { taker, holder } = aFolder();
    const [one, other] = [
      await taker({ runId: 'one-00000000001' }),
      await taker({ runId: 'two-00000000002' }),
    ];
    expect(await lockResumed(one)).toBeUndefined();
    expect(await lockResumed(other)).toEqual({
      check: 'folder-in-use',
      what: `run one-00000000001 writes there in the folder of ${RESUMED} now`,
      todo: 'wait until one-00000000001 has ended, or cancel it',
    });
    expect(holder()).toMatchObject({ runId: 'one-00000000001' });
    // It is free once its holder has ended.
    await one.node.closers.closeAll();
    expect(await lockResumed(other)).toBeUndefined();
  });

  it.each<[string, object | string, boolean, boolean]>([
    ['an untouched one of another run', { runId: 'x', attempt: 1, nonce: 'n' }, true, true],
    ['a fresh one of another run', { runId: 'x', attempt: 1, nonce: 'n' }, false, false],
    ['a fresh one of an earlier attempt', { runId: 'one-00000000001', attempt: 1, nonce: 'n' }, false, true],
    ['a fresh one of a later attempt', { runId: 'one-00000000001', attempt: 3, nonce: 'n' }, false, false],
    ['an untouched one that cannot be read', '{', true, true],
    ['a fresh one that cannot be read', '{', false, false],
  ])('%s', async (_words, held, isStale, isTaken) => {
    const { taker, leave, folder } = aFolder();
    leave(held, isStale);
    const attempt = await taker({ runId: 'one-00000000001', attempt: 2 });
    expect((await lockResumed(attempt)) === undefined).toBe(isTaken);
    // Nothing lies about but the lock.
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('of another’s that took it over is left to it', async () => {
    const { taker, leave, holder } = aFolder();
    const attempt = await taker({ runId: 'one-00000000001' });
    await lockResumed(attempt);
    leave({ runId: 'x', attempt: 1, nonce: 'n' }, false);
    await attempt.node.closers.closeAll();
    expect(holder()).toMatchObject({ runId: 'x' });
  });

  it('guards batch roots of a workspace each for itself, and is not needed elsewhere', async () => {
    const shared = folderOfItsOwn();
    const attempt = async (runId: string, plan: object) =>
      (await anAttempt({ config: { shared, runId }, plan: { runId, folder: runId, ...plan } })).attempt;
    const [one, other] = [
      await attempt('one-00000000001', { workspace: 'w' }),
      await attempt('two-00000000002', { workspace: 'w' }),
    ];
    expect(await lockBatchRoot(one, 'a')).toBeUndefined();
    expect(await lockBatchRoot(other, 'b')).toBeUndefined();
    const fault = await lockBatchRoot(other, 'a');
    expect(fault).toEqual({
      check: 'batch-root-in-use',
      what: 'run one-00000000001 writes a in the workspace w now',
      todo: 'wait until one-00000000001 has ended, or cancel it; or name another `workspace`',
    });
    expect(
      isInUse({ kind: 'bad-environment', faults: [{ node: 0, check: '', what: '', todo: '', ...fault }] }),
    ).toBe(true);
    expect(
      isInUse({ kind: 'bad-environment', faults: [{ node: 0, check: 'no-sshd', what: '', todo: '' }] }),
    ).toBe(false);
    expect(isInUse(undefined)).toBe(false);
    for (const own of [await attempt('one-00000000001', {}), await attempt('two-00000000002', {})])
      expect([await lockBatchRoot(own, 'a'), await lockResumed(own)]).toEqual([undefined, undefined]);
  });
});

const STEPS = ['link', 'rename', 'readFile', 'rm'] as const;

/** Calls of the file system that wait until a test lets one of them happen. */
class Steps {
  readonly #real = { link: fsp.link, rename: fsp.rename, readFile: fsp.readFile, rm: fsp.rm };
  readonly #waiting: (() => void)[] = [];

  constructor() {
    for (const name of STEPS) {
      const real: (...given: never[]) => Promise<unknown> = this.#real[name];
      const stepped = async (...given: never[]) => {
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
        return real(...given);
      };
      Object.assign(fsp, { [name]: stepped });
    }
    syncBuiltinESMExports();
  }

  /** Lets calls happen one at a time, in this order, until all work is over. */
  async run(work: readonly Promise<unknown>[], order: Iterator<number>): Promise<void> {
    let left = work.length;
    for (const one of work) void one.finally(() => (left -= 1));
    while (left > 0) {
      while (this.#waiting.length < left) await new Promise((resolve) => setImmediate(resolve));
      this.#waiting.splice(Number(order.next().value) % this.#waiting.length, 1)[0]?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  restore(): void {
    Object.assign(fsp, this.#real);
    syncBuiltinESMExports();
  }
}

it('an abandoned lock is taken over by one of two, whatever the order of their steps', async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.nat(1)), async (order) => {
      const { taker, leave, holder } = aFolder();
      leave({ runId: 'dead-00000000000', attempt: 1, nonce: 'n' }, true);
      const takers = [await taker({ runId: 'one-00000000001' }), await taker({ runId: 'two-00000000002' })];
      const steps = new Steps();
      try {
        const faults = takers.map((attempt) => lockResumed(attempt));
        await steps.run(faults, order);
        const winners = (await Promise.all(faults)).flatMap((fault, at) =>
          fault === undefined ? [takers[at]?.config.runId] : [],
        );
        expect(winners).toHaveLength(1);
        expect(holder()).toMatchObject({ runId: winners[0] });
      } finally {
        steps.restore();
      }
      for (const attempt of takers) await attempt.node.closers.closeAll();
    }),
    { numRuns: 80 },
  );
});
