import { constants } from 'node:buffer';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { alreadyDone } from '../../../container/tasks/resume.ts';
import { TaskTally } from '../../../container/tasks/tally.ts';

/** A list of commands may have 1 GiB in all. */
it('a joblog longer than a string can be is written, and read by the next attempt', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sbt-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const command = 'c'.repeat(128 * 1024);
  const tasks = Math.ceil(constants.MAX_STRING_LENGTH / command.length);
  const tally = new TaskTally(tasks, []);
  const row = { host: 'h', startTime: 1, runtime: 1, send: 0, receive: 0, exitval: 0, signal: 0, command };
  for (let seq = 1; seq <= tasks; seq += 1) tally.ended({ ...row, seq }, 0);
  const bytes = tally.joblog();
  expect(bytes.length).toBeGreaterThan(constants.MAX_STRING_LENGTH);
  writeFileSync(join(folder, 'joblog'), bytes);
  const { rows } = await alreadyDone(join(folder, 'joblog'), tasks);
  expect(rows).toHaveLength(tasks);
  expect(rows.every((one) => one.command.length === command.length)).toBe(true);
}, 60_000);
