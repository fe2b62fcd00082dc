import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import type { ResultsToSend } from '../../../container/tasks/results.ts';
import { HeldResults, sendResultLines } from '../../../container/tasks/results.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { ResultsPlan } from '../../../experiment/results/result-fields.ts';
import { VirtualClock } from '../../../local/clock/virtual.ts';
import { aRow, RUN_ID } from '../../fixtures/records.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const keys = runKeys(RUN_ID);

/** @param clear what of it is gone when the last task has ended; some had been read by then */
async function sent(
  results: ResultsPlan,
  prepare: (folder: string) => void,
  clear?: (folder: string) => void,
) {
  const folder = mkdtempSync(join(tmpdir(), 'sierra-batch-results-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ['out', 'results', 'scratch']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'commands'), 's a\ns b\ns c\ns d\n');
  prepare(folder);
  const s3 = memoryS3('b');
  const clock = new VirtualClock(0);
  const bucket = new Bucket(s3, 'b', clock);
  const design = { name: 'sweep', template: 's {v}', matrix: { v: ['a', 'b', 'c', 'd'] } };
  const held = new HeldResults();
  const rows = ['a', 'b', 'c', 'd'].map((v, at) =>
    aRow(at + 1, { command: `s ${v}`, exitval: v === 'd' ? 1 : 0 }),
  );
  const options: ResultsToSend = {
    bucket,
    keys,
    plan: {
      results,
      work: { kind: 'commands', file: { kind: 'frozen', key: keys.commands, total: 4 }, design },
    },
    folders: { tasks: folder, commands: join(folder, 'commands'), results: join(folder, 'results') },
    rows,
    held,
    scratch: join(folder, 'scratch'),
    clock,
    signal: new AbortController().signal,
  };
  if (clear !== undefined) {
    const following = held.follow(clock, (signal) => ({ ...options, rows: rows.slice(0, 2), signal }));
    await clock.advance(10_000);
    await vi.waitFor(() => expect(held.get(1)).toBeDefined());
    held.stop();
    await following;
    clear(folder);
  }
  const counts = await sendResultLines(options);
  return { counts, lines: (await bucket.read(keys.results))?.text };
}

it('of tasks that succeeded the files of their parameters are read; missing and broken ones are counted', async () => {
  const { counts, lines } = await sent({ from: 'json', path: 'out/{v}.json' }, (folder) => {
    writeFileSync(join(folder, 'out/a.json'), '{"mean": 1}');
    writeFileSync(join(folder, 'out/b.json'), '{"mean": ');
    writeFileSync(join(folder, 'out/d.json'), '{"mean": 4}');
  });
  expect(lines).toBe('[1,{"mean":1}]\n');
  expect(counts).toEqual({ read: 1, missing: 1, unreadable: 1 });
});

it('a pipe, a folder or a link to nothing in the place of a file is a missing one, and holds nothing up', async () => {
  const { counts } = await sent({ from: 'csv', path: 'out/{task}' }, (folder) => {
    execFileSync('mkfifo', [join(folder, 'out/1')]);
    mkdirSync(join(folder, 'out/2'));
    symlinkSync('/nowhere', join(folder, 'out/3'));
  });
  expect(counts).toEqual({ read: 0, missing: 3, unreadable: 0 });
});

it('stdout is that of the task itself, and of one that shares its folder none', async () => {
  const { lines, counts } = await sent({ from: 'stdout' }, (folder) => {
    for (const [v, seq] of [
      ['a', '1'],
      ['b', '9'],
    ]) {
      mkdirSync(join(folder, 'results/1', `s ${v}`), { recursive: true });
      writeFileSync(join(folder, 'results/1', `s ${v}`, 'stdout'), 'so far\n{"n": 1}\n');
      writeFileSync(join(folder, 'results/1', `s ${v}`, 'seq'), `${seq}\n`);
    }
  });
  expect(lines).toBe('[1,{"n":1}]\n');
  expect(counts).toEqual({ read: 1, missing: 2, unreadable: 0 });
});

it('what was read while other tasks ran is not read again at the end, for which a run that is cut has no time', async () => {
  const { counts, lines } = await sent(
    { from: 'json', path: 'out/{v}.json' },
    (folder) => {
      for (const v of ['a', 'c']) writeFileSync(join(folder, `out/${v}.json`), '{"mean": 1}');
    },
    (folder) => {
      rmSync(join(folder, 'out/a.json'));
      writeFileSync(join(folder, 'out/b.json'), '{"mean": 2}');
    },
  );
  expect(lines).toBe('[1,{"mean":1}]\n[2,{"mean":2}]\n[3,{"mean":1}]\n');
  expect(counts).toEqual({ read: 3, missing: 0, unreadable: 0 });
});
