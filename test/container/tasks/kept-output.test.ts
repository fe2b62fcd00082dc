import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import { logs } from '../../../cli/commands/runs/logs.ts';
import { s3Store } from '../../../cli/context/s3-store.ts';
import { resultFolder, sendFailedOutput } from '../../../container/tasks/failed-output.ts';
import { sendKeptOutput } from '../../../container/tasks/kept-output.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { realClock } from '../../../local/clock/real.ts';
import { contextIn } from '../../cli/context.ts';
import { aStatus, RUN_ID } from '../../fixtures/records.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'sbt-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it('a pipe where the output of a failed task was is not waited for', async () => {
  const commands = Array.from({ length: 8 }, (_, at) => `exit ${at + 1}`);
  for (const command of commands) {
    const folder = resultFolder(base, command);
    mkdirSync(folder, { recursive: true });
    execFileSync('mkfifo', [`${folder}/stdout`, `${folder}/stderr`, `${folder}/seq`]);
  }
  const failures = commands.map((command, at) => ({ row: { seq: at + 1, command } }));
  const run = { bucket: 'b', runId: RUN_ID };
  const { signal } = new AbortController();
  expect(await sendFailedOutput(memoryS3('b'), run, failures, base, realClock, signal)).toBe(16);
});

it.each([
  ['exit 1', 'a comment of its own'],
  [`exit 1 # ${'long '.repeat(60)}`, 'shorter paths'],
])('who shares a folder with another task is told what keeps them apart: %s', async (command, cure) => {
  const folder = resultFolder(base, command);
  mkdirSync(folder, { recursive: true });
  for (const name of ['stdout', 'stderr']) writeFileSync(`${folder}/${name}`, "another's words");
  writeFileSync(`${folder}/seq`, '2');
  const s3 = memoryS3('b');
  const kept = [{ row: { seq: 1, command } }];
  const { signal } = new AbortController();
  await sendFailedOutput(s3, { bucket: 'b', runId: RUN_ID }, kept, base, realClock, signal);
  const key = runKeys(RUN_ID).taskOutput(1, 'err');
  const text = Buffer.from((await new Bucket(s3, 'b', realClock).readBytes(key)) ?? []).toString();
  expect(text).toContain('task 2 wrote to the same folder');
  expect(text).toContain(cure);
});

it('what every task printed comes as one archive, out of which `logs --task` reads', async () => {
  const results = join(base, 'results');
  const rows = Array.from({ length: 300 }, (_, index) => ({
    seq: index + 1,
    host: 'h',
    startTime: 1,
    runtime: 1,
    send: 0,
    receive: 0,
    exitval: 0,
    signal: 0,
    // The second is the first, said twice: the later of the two has the folder.
    command: `./sim ${Math.max(index, 1)} > /dev/stdout`,
  }));
  for (const { seq, command } of rows) {
    const folder = resultFolder(results, command);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/stdout`, `result of ${seq}\n`);
    writeFileSync(`${folder}/stderr`, seq === 7 ? '\u001b[31mwarned\n' : '');
    writeFileSync(`${folder}/seq`, String(seq));
  }
  // What a task laid where its output was keeps nobody else's.
  const [, , third] = rows;
  rmSync(`${resultFolder(results, third?.command ?? '')}/stdout`);
  execFileSync('mkfifo', [`${resultFolder(results, third?.command ?? '')}/stdout`]);
  const s3 = memoryS3('b');
  const bucket = new Bucket(s3, 'b', realClock);
  const keys = runKeys(RUN_ID);

  await sendKeptOutput({
    s3,
    bucket: 'b',
    runId: RUN_ID,
    prefix: '1-0',
    rows,
    results,
    scratch: base,
    clock: realClock,
    signal: new AbortController().signal,
  });

  const keysOf = [];
  for await (const { key } of bucket.list(keys.folder)) keysOf.push(key);
  expect(keysOf).toEqual([keys.keptList('1-0'), keys.keptOutput('1-0')]);
  const listed = (await bucket.read(keys.keptList('1-0')))?.text.trim().split('\n') ?? [];
  expect(listed).toHaveLength(299);
  expect(listed).toContain('{"task":7,"out":12,"err":12}');
  await bucket.write(keys.status, JSON.stringify(aStatus({ state: 'succeeded' })));
  const at = {
    kind: 'stack',
    name: 'the stack',
    store: s3Store(async () => bucket),
    place: (key: string) => key,
    lookMs: 1,
    acceptedWithinMs: 1,
  } as const;
  const { context, said } = contextIn(base, { at, clock: realClock });
  expect(await logs(context, RUN_ID, { task: 7 })).toBe(0);
  expect(said.out).toBe('result of 7\n');
  expect(said.err).toContain('warned');
  await expect(logs(context, RUN_ID, { task: 1 })).rejects.toThrow(/of task 1\b/);
});
