import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStock } from '../../../../container/fan-out/stock/stock.ts';
import { makeRunFolders, runFolders } from '../../../../container/storage/run-folders.ts';
import { freezeCommands } from '../../../../container/tasks/freeze-commands.ts';
import { finalRows } from '../../../../container/tasks/joblog-file.ts';
import { alreadyDone } from '../../../../container/tasks/resume.ts';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import { realClock } from '../../../../local/clock/real.ts';
import type { LoopbackNodes } from '../../../support/loopback-nodes.ts';
import { loopbackNodes } from '../../../support/loopback-nodes.ts';
import { memoryS3 } from '../../../support/memory-s3.ts';
import { runFanout } from '../../../support/run-fan-out.ts';

let nodes: LoopbackNodes;
beforeAll(async () => {
  nodes = await loopbackNodes(2);
});
afterAll(() => nodes.close());

describe('the stock fan-out', () => {
  it('that the user has halted after a failure is not broken', async () => {
    const run = runFanout(startStock(realClock), nodes, ['exit 3', ...Array<string>(20).fill('sleep 1')], {
      slots: 1,
      environment: { PATH: process.env.PATH ?? '', PARALLEL: '--halt now,fail=1' },
    });
    const result = await run.result;
    expect(result).toMatchObject({ failed: 1 });
    expect(result.broken).toBeUndefined();
    expect(result.succeeded + result.failed + result.unfinished).toBe(21);
  });

  it('is broken where GNU parallel did nothing, whatever the user would have halted', async () => {
    const environment = { PARALLEL: '--halt now,fail=1 --no-such-option' };
    const nothing = runFanout(startStock(realClock), nodes, ['true'], { environment });
    expect(await nothing.result).toMatchObject({
      unfinished: 1,
      broken: expect.stringContaining('no-such-option'),
    });
    const missing = runFanout(startStock(realClock), nodes, ['true'], { path: '/nowhere' });
    expect(await missing.result).toMatchObject({ broken: "perl is not on the runner's PATH" });
  });

  it('runs of a sweep that grew what is new or failed, by GNU parallel’s --resume-failed over the rows that are known', async () => {
    const folders = runFolders(nodes.folder, { folder: 'grown' });
    await makeRunFolders(folders, 'grown');
    const [s3, key, ran] = [memoryS3('b'), runKeys('grown').commands, join(folders.tasks, 'ran')];
    const frozen = { s3, clock: realClock };
    const nameOf = (command: string) => command.split(' ')[1] ?? '';
    const edition = async (names: string, mayB: boolean) => {
      const commands = [...names].map(
        (name) => `echo ${name} >>${ran}${name === 'b' ? `; test -e ${ran}.b` : ''}`,
      );
      if (mayB) writeFileSync(`${ran}.b`, '');
      writeFileSync(ran, '');
      await s3.putObject({ Bucket: 'b', Key: key, Body: commands.map((line) => `${line}\n`).join('') });
      const work = { kind: 'commands', file: { kind: 'frozen', key, total: commands.length } } as const;
      await freezeCommands(frozen, { bucket: 'b', runId: 'grown', fanout: 'stock' }, work, folders);
      const { done } = await alreadyDone(folders.joblog, commands.length);
      const { joblog, results } = folders;
      await runFanout(startStock(realClock), nodes, commands, { joblog, results, done }).result;
      return [...readFileSync(ran, 'utf8').replaceAll('\n', '')].sort().join('');
    };
    expect(await edition('abc', false)).toBe('abc');
    expect(await edition('xcbay', true)).toBe('bxy');
    const rows = await finalRows(folders.joblog);
    expect(
      rows.toSorted((a, b) => a.seq - b.seq).map((row) => [row.seq, row.exitval, nameOf(row.command)]),
    ).toEqual([...'xcbay'].map((name, at) => [at + 1, 0, name]));
  });
});
