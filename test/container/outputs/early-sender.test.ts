import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { Before, bringAndNote } from '../../../container/outputs/before.ts';
import { EarlySender } from '../../../container/outputs/early-sender.ts';
import { sendOutputs } from '../../../container/outputs/send-outputs.ts';
import type { RunFolders } from '../../../container/storage/run-folders.ts';
import { makeRunFolders, runFolders } from '../../../container/storage/run-folders.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { realClock } from '../../../local/clock/real.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const runId = 'a-0123456789a';
const keys = runKeys(runId);
let base: string;
let folders: RunFolders;
let s3: S3Port;
let put: string[];

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'sbt-'));
  folders = runFolders(base, { folder: runId });
  await makeRunFolders(folders, runId);
  const memory = memoryS3('b');
  put = [];
  s3 = {
    ...memory,
    putObject: (input) => {
      put.push(String(input.Key));
      return memory.putObject(input);
    },
  };
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const write = (name: string, content = name) => {
  const path = join(folders.tasks, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};

/** What a node that is up for a while sends: ten seconds after all was written, in a clock that does not wait. */
async function upForAWhile(index: number, nodes: number, tasks: number, mayGoOn = () => true) {
  let now = Date.now();
  let rounds = 0;
  const over = Promise.withResolvers<void>();
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += Math.max(ms, 6 * 60_000);
      rounds += 1;
      if (rounds > 3) over.resolve();
      if (rounds > 3) await new Promise(() => undefined);
    },
  };
  const work = { kind: 'commands', file: { kind: 'frozen', key: '', total: tasks } } as const;
  const early = new EarlySender({
    context: { s3, clock },
    config: { bucket: 'b', runId, attempt: 1, index, nodes },
    plan: { outputs: ['results'], work },
    folders,
    log: () => undefined,
    mayGoOn,
    quietMs: -1000,
  });
  early.start();
  await over.promise;
}

async function end(tasks: number) {
  put.length = 0;
  return sendOutputs({
    s3,
    bucket: 'b',
    plan: { runId, outputs: ['results'] },
    folders,
    before: await Before.read(folders),
    prefix: '1-0-',
    tasks,
    scratch: base,
    signal: new AbortController().signal,
    clock: realClock,
    log: () => undefined,
  });
}

it('nodes share what has been written among them, and at the end only what has changed since is sent again', async () => {
  write('results/old', 'OLD');
  await bringAndNote(folders, realClock, async () => undefined);
  const names = Array.from({ length: 40 }, (_, seq) => `results/${seq}`);
  for (const name of names) write(name);
  for (const index of [0, 1, 2]) await upForAWhile(index, 3, 10);
  expect(put.toSorted()).toEqual(names.map((name) => `${keys.outputs}${name}`).sort());

  write('results/7', 'another');
  rmSync(join(folders.tasks, 'results/8'));
  write('results/late');
  const { files, missing, unsent, before } = await end(10);

  expect(put).toEqual(expect.arrayContaining([`${keys.outputs}results/7`, `${keys.outputs}results/late`]));
  expect(put).toHaveLength(3);
  expect(files).toHaveLength(40);
  expect(files.map(({ path }) => path)).not.toContain('results/8');
  expect({ missing, unsent, before }).toEqual({ missing: [], unsent: undefined, before: 1 });
});

it('of a large run archives leave early, and stand in the list as they are', async () => {
  await bringAndNote(folders, realClock, async () => undefined);
  for (let seq = 0; seq < 20; seq += 1) write(`results/${seq}`);
  await upForAWhile(0, 1, 10_001);
  expect(put).toEqual([keys.part('1-0-e0.tar.gz')]);
  const { listed, files } = await end(10_001);
  expect({ listed, files }).toEqual({ listed: 20, files: [] });
  expect(put).toEqual([keys.outputList, keys.outputIndex]);
});

it('a node whose lease is in doubt sends nothing', async () => {
  await bringAndNote(folders, realClock, async () => undefined);
  write('results/1');
  await upForAWhile(0, 1, 10, () => false);
  expect(put).toEqual([]);
});
