import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import type { RunningFanout } from '../../../container/fan-out/fan-out.ts';
import { FailureWatch } from '../../../container/run/failure-watch.ts';
import { resultFolder } from '../../../container/tasks/failed-output.ts';
import { TaskTally } from '../../../container/tasks/tally.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../../experiment/plan/plan.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { anAttempt } from '../../fixtures/attempt.ts';
import { aRow, RUN_ID } from '../../fixtures/records.ts';

/** A watch over so many tasks, and a fan-out that takes next what it is asked for. */
async function aWatch(total: number, plan: Partial<Plan> = {}) {
  const clock = new VirtualClock(0);
  const { attempt } = await anAttempt({ plan, config: { shared: folderOfItsOwn() }, clock });
  const tally = new TaskTally(total, []);
  attempt.state.countTasks(tally);
  const watch = new FailureWatch(attempt, tally);
  const running: RunningFanout = {
    result: new Promise(() => undefined),
    addNode: () => undefined,
    removeNode: () => undefined,
    stop: async () => undefined,
    running: () => 0,
    sample: (count) => Array.from({ length: count }, (_, at) => total - at),
  };
  watch.follow(running);
  const fail = (seq: number, stderr?: string) => {
    const row = aRow(seq, { exitval: 127 });
    tally.started(seq, 0, 0);
    tally.ended(row, 0);
    watch.ended(row, stderr === undefined ? undefined : { stderr });
  };
  return { attempt, tally, fail, clock };
}

describe('what fails', () => {
  it('has its output in the bucket while the run goes on, and is told of in its progress', async () => {
    const { attempt, tally, fail } = await aWatch(50);
    const folder = resultFolder(attempt.state.snapshot().results, aRow(7).command);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of [
      ['seq', '7'],
      ['stdout', 'x'],
    ] as const)
      writeFileSync(`${folder}/${name}`, text);
    writeFileSync(`${folder}/stderr`, './sim: not found\n');
    fail(7, './sim: not found\n');
    const bucket = new Bucket(attempt.context.s3, 'b', attempt.context.clock);
    const stored = () => bucket.read(runKeys(RUN_ID).taskOutput(7, 'err'));
    await expect.poll(async () => (await stored())?.text).toBe('./sim: not found\n');
    expect(tally.failures.groups()).toEqual([
      { signature: 'exit 127: ./sim: not found', count: 1, example: 7, line: './sim: not found' },
    ]);
  });

  it('alike all over the list ends the run, with what was not started', async () => {
    const { attempt, tally, fail, clock } = await aWatch(100_000);
    for (let seq = 1; seq <= 40; seq += 1) {
      await clock.advance(10);
      fail(seq, './sim: not found\n');
    }
    expect(attempt.ending.reason).toBeUndefined();
    for (let at = 0; at < 20; at += 1) fail(100_000 - at, './sim: not found\n');
    expect(attempt.ending.reason).toMatchObject({
      kind: 'failures-stopped',
      isAsked: false,
      signature: 'exit 127: ./sim: not found',
    });
    expect(tally.counts()).toMatchObject({ failed: 60, notStarted: 99_940 });
  });

  it('too often for the manifest ends the run', async () => {
    const { attempt, fail } = await aWatch(100, { stopAfter: { failures: '2%' } });
    fail(1, '');
    expect(attempt.ending.reason).toBeUndefined();
    fail(2, '');
    expect(attempt.ending.reason).toMatchObject({ kind: 'failures-stopped', isAsked: true });
  });
});
