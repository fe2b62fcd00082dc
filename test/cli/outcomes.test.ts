import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fetch } from '../../cli/commands/runs/fetch.ts';
import { watch } from '../../cli/commands/runs/watch.ts';
import { folderStore } from '../../cli/context/folder-store.ts';
import { Part } from '../../container/outputs/part.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Status } from '../../experiment/records/status.ts';
import { realClock } from '../../local/clock/real.ts';
import { fetchedInto } from '../../submission/fetched.ts';
import { readText } from '../../test/aws/read-object.ts';
import { aPlan, aStatus, aSummary, RUN_ID } from '../fixtures/records.ts';
import { awsError } from '../support/hostile-ports.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { aTarget, contextIn, folderOfItsOwn } from './context.ts';

function aRun(state: Status['state']) {
  const bucket = folderOfItsOwn();
  const put = (key: string, value: object | string) => {
    mkdirSync(join(bucket, key, '..'), { recursive: true });
    writeFileSync(join(bucket, key), typeof value === 'string' ? value : JSON.stringify(value));
  };
  put(runKeys(RUN_ID).status, aStatus({ state }));
  const at = aTarget(folderStore(bucket), { name: 'the files' });
  return {
    put,
    ...contextIn(join(bucket, 'here'), { at, clock: realClock }),
    into: join(bucket, 'here/out'),
  };
}

it.each([
  ['succeeded', 0, 0],
  ['failed', 1, 1],
  ['failed', 5, 5],
  ['failed', null, 1],
  ['cancelled', null, 143],
  ['timed-out', null, 124],
] as const)('watch of a run that %s with %j ends with %d', async (outcome, exitCode, code) => {
  const { put, context } = aRun(outcome);
  put(runKeys(RUN_ID).summary, aSummary({ outcome, exitCode }));
  expect(await watch(context, RUN_ID)).toBe(code);
});

it.each(['../x', 'a/../../x', '..', '../../../x'])(
  'fetch writes %s nowhere, and the rest where it belongs',
  async (path) => {
    const { put, context, said, into } = aRun('failed');
    const sha256 = createHash('sha256').update('good').digest('hex');
    const files = [path, 'deep/good.csv'].map((one) => ({ path: one, size: 4, sha256 }));
    put(runKeys(RUN_ID).outputIndex, { files, missing: [] });
    put(runKeys(RUN_ID).plan, aPlan({ outputs: [path, 'deep/'] }));
    put(`${runKeys(RUN_ID).outputs}deep/good.csv`, 'good');
    const { outputs } = runKeys(RUN_ID);
    if (!path.endsWith('..')) put(join(outputs, path), 'good');
    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(said.err).toContain(`${path}: would be outside the folder that names it\n`);
    expect(readFileSync(join(into, 'deep/good.csv'), 'utf8')).toBe('good');
    expect(existsSync(join(into, '../x'))).toBe(false);
  },
);

describe('fetch into a folder of one’s own', () => {
  const sha256 = createHash('sha256').update('good').digest('hex');
  function aRunThatSent(paths: readonly string[], outputs: readonly string[]) {
    const run = aRun('succeeded');
    run.put(runKeys(RUN_ID).plan, aPlan({ outputs }));
    const files = paths.map((path) => ({ path, size: 4, sha256 }));
    run.put(runKeys(RUN_ID).outputIndex, { files, missing: [] });
    for (const path of paths) run.put(`${runKeys(RUN_ID).outputs}${path}`, 'good');
    return run;
  }

  it('brings what the manifest names, and nothing else that a task put into the index', async () => {
    const named = ['results/a', 'results/.b/c', 'tables/1.csv', '.cache/x'];
    const others = ['.git/config', 'resultsx', 'other/.profile', '.bashrc'];
    const outputs = ['results/', './tables/*.csv', '.cache', '*/.x', '.'];
    const { context, said, into } = aRunThatSent([...named, ...others], outputs.slice(0, 4));

    expect(await fetch(context, RUN_ID, 'out')).toBe(1);

    for (const path of named) expect(readFileSync(join(into, path), 'utf8')).toBe('good');
    for (const path of others) expect(existsSync(join(into, path))).toBe(false);
    expect(said.err.split('\n').filter((line) => line.includes('is not named'))).toHaveLength(others.length);
    // Nor where all is named, as long as the hidden one is not by its name.
    const all = aRunThatSent(['a/b', '.git/config'], ['.', '**']);
    expect(await fetch(all.context, RUN_ID, 'out')).toBe(1);
    expect(existsSync(join(all.into, 'a/b'))).toBe(true);
    expect(existsSync(join(all.into, '.git'))).toBe(false);
  });

  it('takes no path that leads back out of what is named', async () => {
    const paths = ['results/../.git/hooks/pre-commit', 'results/./a', 'results//a', 'x/../.envrc'];
    const run = aRunThatSent([], ['results/', '.']);
    run.put(runKeys(RUN_ID).outputIndex, {
      files: paths.map((path) => ({ path, size: 4, sha256 })),
      missing: [],
    });
    for (const path of ['.git/hooks/pre-commit', '.envrc', 'results/a'])
      run.put(`${runKeys(RUN_ID).outputs}${path}`, 'good');

    expect(await fetch(run.context, RUN_ID, 'out')).toBe(1);

    expect(run.said.out).toContain('0 files in out');
    expect(existsSync(join(run.into, '.git'))).toBe(false);
    expect(existsSync(join(run.into, '.envrc'))).toBe(false);
  });

  it('replaces no file that differs, unless that is asked for', async () => {
    const { context, said, into } = aRunThatSent(['results/a', 'results/same'], ['results']);
    mkdirSync(join(into, 'results'), { recursive: true });
    writeFileSync(join(into, 'results/a'), 'mine');
    writeFileSync(join(into, 'results/same'), 'good');

    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(said.err).toBe('results/a: is there already with other content; --force replaces it\n');
    expect(await fetchedInto(into)).toEqual(new Map());
    expect(readFileSync(join(into, 'results/a'), 'utf8')).toBe('mine');
    expect(await fetch(context, RUN_ID, 'out', { force: true })).toBe(0);
    expect(readFileSync(join(into, 'results/a'), 'utf8')).toBe('good');
    // What was there already is the person's own.
    expect(await fetchedInto(into)).toEqual(new Map([['results/a', sha256]]));
  });

  it('writes through no link', async () => {
    const { context, into } = aRunThatSent(['results/a', 'table'], ['results', 'table']);
    const elsewhere = folderOfItsOwn();
    mkdirSync(into, { recursive: true });
    writeFileSync(join(elsewhere, 'table'), 'mine');
    symlinkSync(elsewhere, join(into, 'results'));
    symlinkSync(join(elsewhere, 'table'), join(into, 'table'));

    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(await fetch(context, RUN_ID, 'out', { force: true })).toBe(1);

    expect(existsSync(join(elsewhere, 'a'))).toBe(false);
    expect(readFileSync(join(elsewhere, 'table'), 'utf8')).toBe('mine');
    expect(readFileSync(join(into, 'table'), 'utf8')).toBe('good');
  });

  it('goes on after a name that no file can have', async () => {
    const { put, context, into } = aRun('succeeded');
    put(runKeys(RUN_ID).plan, aPlan({ outputs: ['results'] }));
    const files = [`results/${'x'.repeat(300)}`, 'results/a'].map((path) => ({ path, size: 4, sha256 }));
    put(runKeys(RUN_ID).outputIndex, { files, missing: [] });
    put(`${runKeys(RUN_ID).outputs}results/a`, 'good');

    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(readFileSync(join(into, 'results/a'), 'utf8')).toBe('good');
  });
});

it.each(['NoSuchKey', 'AccessDenied'] as const)(
  'an object that is not there, which S3 answers with %s, is not there yet',
  async (missing) => {
    expect(await readText(memoryS3('b', missing), 'b', 'runs/x/status.json')).toBeUndefined();
    const getObject = () => Promise.reject(awsError('InternalError', 500));
    const broken = { ...memoryS3('b'), getObject };
    await expect(readText(broken, 'b', 'x')).rejects.toThrow('on purpose');
  },
);

describe('a run that has sent many small files', () => {
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
  async function aRunThatPacked(content: Record<string, string>, listed = content) {
    const run = aRun('succeeded');
    const keys = runKeys(RUN_ID);
    run.put(keys.plan, aPlan({ outputs: ['results'] }));
    const part = new Part();
    for (const [path, text] of Object.entries(content))
      await part.add({ path, mode: 0o644, mtime: new Date(0) }, Buffer.from(text));
    run.put(keys.part('1-0-0.tar.gz'), '');
    writeFileSync(join(run.into, '../..', keys.part('1-0-0.tar.gz')), await part.end());
    const lines = Object.entries(listed).map(([path, text]) => ({
      path,
      size: text.length,
      sha256: hashOf(text),
      mode: path.endsWith('.sh') ? '755' : '644',
      part: '1-0-0.tar.gz',
    }));
    const alone = { path: 'results/alone', size: 4, sha256: hashOf('good'), mode: '700' };
    run.put(`${keys.outputs}results/alone`, 'good');
    run.put(keys.outputList, [...lines, alone].map((line) => `${JSON.stringify(line)}\n`).join(''));
    run.put(keys.outputIndex, { files: [], missing: [], listed: lines.length + 1 });
    return run;
  }

  it('gives them back, each checked, and what could be run can be run', async () => {
    const content = {
      'results/1': 'one',
      'results/deep/2.sh': 'two',
      [`results/${'ü'.repeat(90)}`]: 'three',
    };
    const { context, said, into } = await aRunThatPacked(content);
    expect(await fetch(context, RUN_ID, 'out')).toBe(0);
    for (const [path, text] of Object.entries(content))
      expect(readFileSync(join(into, path), 'utf8')).toBe(text);
    expect(said.out).toContain('4 files in out');
    expect(statSync(join(into, 'results/deep/2.sh')).mode & 0o100).toBe(0o100);
    expect(statSync(join(into, 'results/alone')).mode & 0o100).toBe(0o100);
    expect(statSync(join(into, 'results/1')).mode & 0o111).toBe(0);
  });

  it('holds no line that is longer than the runner writes', async () => {
    const { put, context, into } = await aRunThatPacked({ 'results/1': 'one', 'results/2': 'two' });
    const list = readFileSync(join(into, '../..', runKeys(RUN_ID).outputList), 'utf8');
    put(runKeys(RUN_ID).outputList, `${' '.repeat(100_000)}${list}`);
    expect(await fetch(context, RUN_ID, 'out')).toBe(0);
    expect(existsSync(join(into, 'results/1'))).toBe(false);
    expect(readFileSync(join(into, 'results/2'), 'utf8')).toBe('two');
  });

  it('tells what is not as the list says, and writes nothing else that an archive holds', async () => {
    const { context, said, into } = await aRunThatPacked(
      { 'results/1': 'one', 'results/2': 'TWO', '../evil': 'x', 'results/unlisted': 'x', other: 'x' },
      { 'results/1': 'one', 'results/2': 'two', 'results/3': 'three', other: 'x', '../evil': 'x' },
    );
    expect(await fetch(context, RUN_ID, 'out')).toBe(1);
    expect(said.err).toContain('results/2: does not have the SHA-256 that the run recorded\n');
    expect(said.err).toContain('results/3: is in the index and not in the bucket\n');
    expect(said.err).toContain('other: is not named');
    expect(readFileSync(join(into, 'results/1'), 'utf8')).toBe('one');
    expect(existsSync(join(into, 'results/unlisted'))).toBe(false);
    expect(existsSync(join(into, '../evil'))).toBe(false);
  });
});

it('fetch of a run whose manifest names no outputs says how to name them', async () => {
  const { put, context } = aRun('succeeded');
  put(runKeys(RUN_ID).plan, aPlan({ outputs: [] }));
  await expect(fetch(context, RUN_ID, 'out')).rejects.toThrow(/names none.*--output PATH.*--tables \./);
  put(runKeys(RUN_ID).plan, aPlan({ outputs: ['x'] }));
  await expect(fetch(context, RUN_ID, 'out')).rejects.toThrow(/has no outputs$/);
});

it('fetch --tables brings what a run that has ended has of them', async () => {
  const { put, context, said, into } = aRun('succeeded');
  await expect(fetch(context, RUN_ID, 'out', { tables: true })).rejects.toThrow(/has no tables yet/);
  put(runKeys(RUN_ID).tasksCsv, 'task,seed\n1,7\n');
  expect(await fetch(context, RUN_ID, 'out', { tables: true })).toBe(0);
  expect(readFileSync(join(into, 'tasks.csv'), 'utf8')).toBe('task,seed\n1,7\n');
  expect(said.out).toBe('out/tasks.csv\n');
  expect([...(await fetchedInto(into)).keys()]).toEqual(['tasks.csv']);
});

it('fetch --tables replaces no table of one’s own, and writes through no link', async () => {
  const { put, context, into } = aRun('succeeded');
  put(runKeys(RUN_ID).tasksCsv, 'task\n1\n');
  mkdirSync(into, { recursive: true });
  writeFileSync(join(into, 'mine'), 'mine');
  symlinkSync(join(into, 'mine'), join(into, 'tasks.csv'));
  const asked = { tables: true } as const;
  await expect(fetch(context, RUN_ID, 'out', asked)).rejects.toThrow(/is there already/);
  expect(await fetch(context, RUN_ID, 'out', { ...asked, force: true })).toBe(0);
  expect(readFileSync(join(into, 'mine'), 'utf8')).toBe('mine');
  expect(readFileSync(join(into, 'tasks.csv'), 'utf8')).toBe('task\n1\n');
  expect(await fetch(context, RUN_ID, 'out', asked)).toBe(0);
});
