import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Roster } from '../../../container/attempt/roster.ts';
import { RunState } from '../../../container/attempt/run-state.ts';
import { SierraJoblog } from '../../../container/sierra/follow-joblog.ts';
import { runFolders } from '../../../container/storage/run-folders.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { realClock } from '../../../local/clock/real.ts';

const quiet = () => undefined;

/** GNU parallel's own joblog of a batch root, with rows of tasks that ended so many seconds ago. */
function followed(endedAgo: readonly number[]) {
  const shared = mkdtempSync(join(tmpdir(), 'sbt-'));
  onTestFinished(() => rmSync(shared, { recursive: true, force: true }));
  const runId = 'a-0123456789a';
  const folders = runFolders(shared, { folder: runId });
  const root = join(folders.tasks, 'project/controller/scenario/template');
  mkdirSync(join(root, 'scratch'), { recursive: true });
  writeFileSync(join(root, 'commands.txt'), 'run\n'.repeat(endedAgo.length));
  const roster = new Roster(1, 1);
  roster.joined(0, { address: '10.0.0.1', cpus: 1, startedAt: 0, versions: {} }, 0, false);
  const state = new RunState(folders.results, () => undefined);
  const now = Date.now() / 1000;
  const rows = endedAgo.map((ago, index) => ({
    seq: index + 1,
    host: '10.0.0.1',
    startTime: now - ago - 1,
    runtime: 1,
    send: 0,
    receive: 0,
    exitval: 0,
    signal: 0,
    command: 'run',
  }));
  const write = () => writeFileSync(join(root, 'scratch/parallel.log'), renderJoblog(rows));
  return {
    joblog: new SierraJoblog({ state, roster, log: quiet, folders, clock: realClock }, () => true),
    state,
    roster,
    write,
  };
}

it('tells the rate of the last ten seconds, and as this attempt’s work only what it began', async () => {
  const { joblog, state, roster, write } = followed([100, 50, 30, -3]);
  await joblog.follow();
  write();
  await joblog.end();
  expect(state.snapshot().tally?.counts()).toMatchObject({ total: 4, succeeded: 4 });
  expect(state.snapshot().tally?.rate(Date.now() + 4000, 0)).toBeCloseTo(0.1, 1);
  expect(roster.records()[0]).toMatchObject({ tasks: 1, busySeconds: 1 });
});

it('finds the joblog although this node’s clock is ahead of the storage’s', async () => {
  const { joblog, state, write } = followed([0]);
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
  onTestFinished(() => now.mockRestore());
  await joblog.follow();
  write();
  await joblog.end();
  expect(state.snapshot().tally?.counts()).toMatchObject({ total: 1, succeeded: 1 });
});
