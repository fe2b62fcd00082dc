import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { list } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import { Before, bringAndNote } from '../../../container/outputs/before.ts';
import type { OutputsOptions } from '../../../container/outputs/send-outputs.ts';
import { sendOutputs } from '../../../container/outputs/send-outputs.ts';
import type { RunFolders } from '../../../container/storage/run-folders.ts';
import { makeRunFolders, runFolders } from '../../../container/storage/run-folders.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { OutputFile } from '../../../experiment/records/outputs.ts';
import { parseOutputIndex, parseOutputLine } from '../../../experiment/records/outputs.ts';
import { realClock } from '../../../local/clock/real.ts';
import { awsError } from '../../support/hostile-ports.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const runId = 'a-0123456789a';
const keys = runKeys(runId);
let base: string;
let folders: RunFolders;
let s3: S3Port;

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'sbt-'));
  folders = runFolders(base, { folder: runId });
  await makeRunFolders(folders, runId);
  s3 = memoryS3('b');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const at = (name: string) => join(folders.tasks, name);
const write = (name: string, content = name) => {
  mkdirSync(dirname(at(name)), { recursive: true });
  writeFileSync(at(name), content);
};
const link = (target: string, name: string) => {
  mkdirSync(dirname(at(name)), { recursive: true });
  symlinkSync(target, at(name));
};
const begin = (bring = async () => undefined) => bringAndNote(folders, realClock, bring);
const read = async (Key: string) =>
  buffer((await s3.getObject({ Bucket: 'b', Key })).Body as NodeJS.ReadableStream);

async function send(
  outputs: readonly string[],
  more: Partial<OutputsOptions> = {},
  optionalOutputs?: string[],
) {
  const told: unknown[] = [];
  const index = await sendOutputs({
    s3,
    bucket: 'b',
    plan: { runId, outputs, ...(optionalOutputs === undefined ? {} : { optionalOutputs }) },
    folders,
    before: await Before.read(folders).catch(() => new Before()),
    prefix: '1-0-',
    tasks: 1,
    scratch: base,
    signal: new AbortController().signal,
    clock: realClock,
    log: (event, fields) => told.push([event, fields?.why]),
    ...more,
  });
  return { index, told, paths: index.files.map(({ path }) => path) };
}

describe('outputs', () => {
  it('arrive with an index of size, SHA-256 and mode; what is missing or leads out is told', async () => {
    write('out/deep/größe.csv', 'data');
    write('out/empty', '');
    chmodSync(at('out/empty'), 0o751);
    link('/etc', 'outside');
    await send(['out/', 'outside/', 'never/']);
    const index = parseOutputIndex((await read(keys.outputIndex)).toString());
    expect(index?.missing).toEqual(['outside/', 'never/']);
    expect(index?.files.map(({ path, size, mode }) => [path, size, mode])).toEqual([
      ['out/deep/größe.csv', 4, '644'],
      ['out/empty', 0, '751'],
    ]);
    expect(index?.files[0]?.sha256).toBe(createHash('sha256').update('data').digest('hex'));
    expect((await read(`${keys.outputs}out/deep/größe.csv`)).toString()).toBe('data');
  });

  it('that are hidden arrive where they are named beside all that is not', async () => {
    write('a.csv');
    write('.cache/b.csv');
    write('.other/c.csv');
    const { paths, index } = await send(['.', '.cache/']);
    expect(paths).toEqual(['.cache/b.csv', 'a.csv']);
    expect(index.missing).toEqual([]);
  });

  it('of which one lies in another arrive once', async () => {
    write('out/a.csv');
    const put: unknown[] = [];
    const counted: S3Port = {
      ...s3,
      putObject: (input) => {
        put.push(input.Key);
        return s3.putObject(input);
      },
    };
    const { paths } = await send(['out/', 'out/a.csv', './out', 'o*/*.csv'], { s3: counted });
    expect(paths).toEqual(['out/a.csv']);
    expect(put).toEqual([`${keys.outputs}out/a.csv`, keys.outputIndex]);
  });

  it.each([
    ['results/*.csv', ['results/a.csv', 'results/b.csv']],
    ['**/*.csv', ['deep/er/c.csv', 'results/a.csv', 'results/b.csv', 'top.csv']],
    [
      '**',
      [
        'deep/er/c.csv',
        'deep/er/d.txt',
        'results/a.csv',
        'results/b.csv',
        'results/x.txt',
        'run[1]/f',
        'top.csv',
      ],
    ],
    ['results/?.csv', ['results/a.csv', 'results/b.csv']],
    ['results/[a-a].csv', ['results/a.csv']],
    ['*/er', ['deep/er/c.csv', 'deep/er/d.txt']],
    ['{deep,results}/**/*.{csv,tsv}', ['deep/er/c.csv', 'results/a.csv', 'results/b.csv']],
    ['run[1]/*', ['run[1]/f']],
    ['results/*.tsv', []],
    ['run[1]', ['run[1]/f']],
    ['./results//x.txt', ['results/x.txt']],
    ['results/.hid*', ['results/.hidden']],
  ])('%s names what it names in a shell', async (output, expected) => {
    for (const name of ['results/a.csv', 'results/b.csv', 'results/x.txt', 'results/.hidden', 'top.csv'])
      write(name);
    for (const name of ['deep/er/c.csv', 'deep/er/d.txt', 'run[1]/f', '.git/x.csv']) write(name);
    const { paths, index } = await send([output]);
    expect(paths.filter((path) => output !== '**' || path !== 'results/.hidden')).toEqual(expected);
    expect(index.missing).toEqual(expected.length === 0 ? [output] : []);
  });

  it('are missing where a wildcard matches nothing, and delivered as an empty folder', async () => {
    mkdirSync(at('empty'));
    const { index } = await send(['*.csv', 'empty', 'extra/', 'no/**'], {}, ['extra/']);
    expect(index).toEqual({ files: [], missing: ['*.csv', 'no/**'] });
  });
});

describe('links', () => {
  it('that lead inside are followed under their own name, each folder once, and in no circle', async () => {
    write('run-001/metrics.csv');
    link('run-001', 'latest');
    write('results/top.csv');
    link('../run-001', 'results/latest');
    link('..', 'results/up');
    link('.', 'results/self');
    link('top.csv', 'results/same.csv');
    const { paths, index } = await send(['latest', 'results']);
    expect(index.unsent).toBeUndefined();
    expect(paths).toEqual(expect.arrayContaining(['latest/metrics.csv', 'results/latest/metrics.csv']));
    expect(paths.filter((path) => path.endsWith('top.csv'))).toEqual(['results/top.csv']);
    expect(paths).toContain('results/same.csv');
  });

  it('whose folder lies in the same output add nothing to it', async () => {
    write('results/z-real/a.csv');
    link('z-real', 'results/a-link');
    expect((await send(['results'])).paths).toEqual(['results/z-real/a.csv']);
  });

  it('on the way to an output are followed', async () => {
    write('run-001/metrics.csv');
    link('run-001', 'latest');
    expect((await send(['latest/metrics.csv', 'l*/metrics.csv'])).paths).toEqual(['latest/metrics.csv']);
  });

  it('that lead out or to nothing are told, unless they lay there before', async () => {
    link('/usr/bin/env', 'results/python');
    await begin();
    expect((await send(['results'])).index.unsent).toBeUndefined();
    link('/etc', 'results/out');
    link('gone', 'results/dangling');
    const { index } = await send(['results']);
    expect(index.unsent).toBe(2);
    expect(index.notSent?.map(({ path }) => path).sort()).toEqual(['results/dangling', 'results/out']);
  });
});

describe('what lay there before the run', () => {
  it('is no result, and an output that names nothing else is missing', async () => {
    for (const name of ['results/2.csv', 'results/99.csv', 'old.csv', 'touched', 'rewritten'])
      write(name, 'OLD');
    mkdirSync(at('empty'));
    await begin();
    write('results/1.csv');
    write('touched', 'NEW');
    // The same size and time, as `cp -p` leaves them: another file all the same.
    rmSync(at('rewritten'));
    write('.keeps-its-number', '');
    write('rewritten', 'NEW');
    const { index, paths } = await send(['results', 'old.csv', 'o*.csv', 'touched', 'rewritten', 'empty']);
    expect(paths).toEqual(['results/1.csv', 'rewritten', 'touched']);
    expect(index).toMatchObject({ missing: ['old.csv', 'o*.csv'], before: 3 });
  });

  it('stays what it is when it is moved, linked, or given other rights', async () => {
    write('data/a', 'OLD');
    write('data/b', 'OLD2');
    write('data/c', 'OLD3');
    await begin();
    mkdirSync(at('results'));
    renameSync(at('data/a'), at('results/a'));
    linkSync(at('data/b'), at('results/b'));
    chmodSync(at('data/c'), 0o755);
    link('../data/c', 'results/c');
    const { index } = await send(['results']);
    expect(index).toMatchObject({ files: [], missing: ['results'], before: 3 });
  });

  it('is judged by the first begin, whatever attempts and resumes follow; inputs that are brought again are noted', async () => {
    write('in.csv', 'IN');
    await begin();
    write('results/1.csv');
    await begin(async () => {
      write('in.csv', 'IN2');
      write('more.csv', 'IN3');
    });
    const { index, paths } = await send(['results', '*.csv']);
    expect(paths).toEqual(['results/1.csv']);
    expect(index).toMatchObject({ missing: ['*.csv'], before: 2 });
  });
});

describe('what tasks left that cannot be sent', () => {
  it('is told by name, with why, and everything else arrives', async () => {
    write('out/good.csv', 'data');
    writeFileSync(Buffer.from(`${folders.tasks}/out/gr\xFCn.csv`, 'latin1'), 'data');
    const large = `${'x'.repeat(200)}/`.repeat(5);
    write(`out/${large}big`, 'x'.repeat(1024 * 1024));
    write('index.json');
    spawnSync('mkfifo', [at('out/fifo')]);
    const { index, told, paths } = await send(['out/', 'index.json']);
    expect(paths).toEqual(['out/good.csv']);
    expect(index).toMatchObject({ unsent: 3, missing: [] });
    const whys = index.notSent?.map(({ why }) => why).sort();
    expect(whys?.[0]).toMatch(/1024 bytes: shorten its name/);
    expect(whys?.[1]).toMatch(/^its name is not UTF-8/);
    expect(whys?.[2]).toMatch(/the list of what was sent has that name/);
    expect(told).toContainEqual(['Output:NotSent', expect.stringMatching(/^its name is not UTF-8/)]);
  });

  it('is given up at once where the disk is full', async () => {
    write('out/a', 'x');
    let asked = 0;
    const full: S3Port = {
      ...s3,
      putObject: (input) => {
        if (!String(input.Key).endsWith('/a')) return s3.putObject(input);
        asked += 1;
        return Promise.reject(awsError('StorageFull', 400, 'no room'));
      },
    };
    const { index } = await send(['out'], { s3: full });
    expect(asked).toBe(1);
    expect(index).toMatchObject({ unsent: 1, notSent: [{ path: 'out/a', why: 'StorageFull: no room' }] });
  });

  it('goes in parts when it is larger than S3 takes at once', async () => {
    write('out/small', '1');
    write('out/traj', '');
    truncateSync(at('out/traj'), 5 * 1024 ** 3 + 1);
    const sizes: unknown[] = [];
    const putLargeObject: NonNullable<OutputsOptions['s3']['putLargeObject']> = async ({
      Key,
      ContentLength,
    }) => {
      sizes.push([Key, ContentLength]);
    };
    const { paths } = await send(['out'], { s3: { ...s3, putLargeObject } });
    expect(sizes).toEqual([[`${keys.outputs}out/traj`, 5 * 1024 ** 3 + 1]]);
    expect(paths).toEqual(['out/small', 'out/traj']);
  });
});

describe('many small files', () => {
  it('go in archives, which a list tells of with size, SHA-256 and mode of each', async () => {
    const names = Array.from({ length: 30 }, (_, seq) => `out/${'ü'.repeat(seq * 4)}-${seq}`);
    for (const name of names) write(name, `result of ${name}\n`);
    chmodSync(at(names[3] ?? ''), 0o755);
    utimesSync(at(names[4] ?? ''), 1e9, 1e9);
    write('out/large', 'x'.repeat(1024 * 1024));
    const { index, paths } = await send(['out'], { tasks: 10_001 });
    expect(paths).toEqual(['out/large']);
    expect(index.listed).toBe(30);
    const lines = (await read(keys.outputList)).toString().trim().split('\n');
    const files = lines
      .map((line) => parseOutputLine(line))
      .filter((file): file is OutputFile => file !== undefined);
    expect(files.map(({ path }) => path).sort()).toEqual(names.toSorted());
    expect(new Set(files.map(({ part }) => part))).toEqual(new Set(['1-0-0.tar.gz']));
    const archive = join(base, 'part.tar.gz');
    writeFileSync(archive, await read(keys.part('1-0-0.tar.gz')));
    const modes = new Map<string, number | undefined>();
    list({ file: archive, sync: true, strict: true, onReadEntry: ({ path, mode }) => modes.set(path, mode) });
    expect([...modes.keys()].sort()).toEqual(names.toSorted());
    expect(modes.get(names[3] ?? '')).toBe(0o755);
    const unpacked = mkdtempSync(join(base, 'unpacked-'));
    expect(spawnSync('tar', ['-xzf', archive, '-C', unpacked]).status).toBe(0);
    for (const { path, sha256 } of files)
      expect(
        createHash('sha256')
          .update(readFileSync(join(unpacked, path)))
          .digest('hex'),
      ).toBe(sha256);
  });

  it('of an archive that S3 does not take are told as not sent', async () => {
    write('out/1');
    write('out/2');
    const refusing: S3Port = {
      ...s3,
      putObject: (input) =>
        String(input.Key).includes('/parts/')
          ? Promise.reject(awsError('StorageFull', 400))
          : s3.putObject(input),
    };
    const { index } = await send(['out'], { tasks: 10_001, s3: refusing });
    expect(index).toMatchObject({ files: [], missing: [], unsent: 2 });
  });
});
