import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../../container/join/cluster.ts';
import { ended, runCommands } from '../../../container/run/commands.ts';
import { TaskTally } from '../../../container/tasks/tally.ts';
import type { RunnerReason } from '../../../experiment/records/progress.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { anAttempt } from '../../fixtures/attempt.ts';
import { aRow, RUN_ID } from '../../fixtures/records.ts';

describe('what ended a run before its tasks had', () => {
  const CUT: readonly RunnerReason[] = [
    { kind: 'too-many-lost', left: 1, needed: 2, lost: [1] },
    { kind: 'run-time-limit', seconds: 60 },
    { kind: 'budget-used', nodeHours: 2, maxNodeHours: 1 },
  ];
  const ORDERS: readonly RunnerReason[] = [
    { kind: 'terminated', signal: 'SIGTERM' },
    { kind: 'not-owner', owner: 'k' },
    { kind: 'internal', what: 'x' },
  ];
  const ofTasks = (total: number) => {
    const tally = new TaskTally(total, [aRow(1)]);
    tally.ended(aRow(2, { exitval: 1 }), 0);
    return tally;
  };

  it.each(CUT)('$kind: nothing, once all tasks have ended, well or not', (reason) => {
    expect(ended(reason, ofTasks(2))).toBeUndefined();
    expect(ended(reason, ofTasks(3))).toBe(reason);
  });

  it.each(ORDERS)('$kind: that, whatever has ended', (reason) => {
    expect(ended(reason, ofTasks(2))).toBe(reason);
    expect(ended(reason, ofTasks(3))).toBe(reason);
  });

  it('nothing, when nothing did', () => {
    expect(ended(undefined, ofTasks(3))).toBeUndefined();
  });
});

describe('a run of commands that starts nothing', () => {
  async function aRun(list: string, more: object = {}) {
    const shared = folderOfItsOwn();
    const key = `runs/${RUN_ID}/commands.txt`;
    const work = { kind: 'commands', file: { kind: 'frozen', key, total: 2 } } as const;
    const { attempt, joins } = await anAttempt({ config: { shared }, plan: { work, ...more } });
    await attempt.context.s3.putObject({ Bucket: 'b', Key: key, Body: list });
    const nodefiles: string[] = [];
    const cluster = {
      gathered: async () => undefined,
      writeNodefile: async (text: string) => void nodefiles.push(text),
    } as unknown as Cluster;
    joins(0);
    return { attempt, nodefiles, run: () => runCommands(attempt, work, Promise.resolve(cluster)) };
  }

  it('because all its tasks have succeeded before', async () => {
    const { attempt, nodefiles, run } = await aRun('a\nb\n');
    mkdirSync(attempt.folders.run, { recursive: true });
    writeFileSync(attempt.folders.joblog, renderJoblog([aRow(1), aRow(2)]));
    writeFileSync(attempt.folders.commands, 'a\nb\n');
    expect(await run()).toEqual({ kind: 'succeeded' });
    expect(nodefiles).toEqual(['10.0.0.0\n']);
    expect(attempt.state.snapshot().tally?.counts()).toMatchObject({ total: 2, succeeded: 2 });
  });

  it('because its list is not what the plan says', async () => {
    const { attempt, run } = await aRun('a\n');
    expect(await run()).toMatchObject({ kind: 'bad-plan' });
    expect(attempt.ending.reason).toMatchObject({ kind: 'bad-plan' });
  });

  it('because another run writes the folder that it goes on with', async () => {
    const { attempt, run } = await aRun('a\nb\n', { resume: 'sweep-00000000000' });
    const lock = join(attempt.folders.run, '.sierra-batch');
    mkdirSync(lock, { recursive: true });
    const holder = JSON.stringify({ runId: 'other-00000000000', attempt: 1, nonce: 'x' });
    // Of the whole folder: the hash of nothing.
    writeFileSync(join(lock, 'e3b0c44298fc1c14.lock'), holder);
    expect(await run()).toMatchObject({
      kind: 'bad-environment',
      faults: [{ node: 0, check: 'folder-in-use', todo: expect.stringContaining('other-00000000000') }],
    });
  });

  it('because it ended while it was prepared', async () => {
    const { attempt, run } = await aRun('a\nb\n');
    attempt.ending.because({ kind: 'terminated', signal: 'SIGTERM' });
    expect(await run()).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
  });
});
