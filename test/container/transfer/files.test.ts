import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sdkStreamMixin } from '@smithy/core/serde';
import fc from 'fast-check';
import { create } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { S3Port } from '../../../aws/ports.ts';
import type { RunFolders } from '../../../container/storage/run-folders.ts';
import { makeRunFolders, runFolders } from '../../../container/storage/run-folders.ts';
import { resultFolder } from '../../../container/tasks/failed-output.ts';
import { BadCommands, freezeCommands } from '../../../container/tasks/freeze-commands.ts';
import { alreadyDone } from '../../../container/tasks/resume.ts';
import { BadInput, bringInputs } from '../../../container/transfer/inputs.ts';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { renderJoblog } from '../../../experiment/results/joblog.ts';
import { realClock } from '../../../local/clock/real.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

const runId = 'a-0123456789a';
const run = { bucket: 'b', runId };
const quiet = () => undefined;
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

const put = (Key: string, Body: string | Uint8Array) => s3.putObject({ Bucket: 'b', Key, Body });
const text = async (Key: string) => (await s3.getObject({ Bucket: 'b', Key })).Body?.transformToString();

describe('the command list', () => {
  const key = runKeys(runId).commands;
  const frozen = (total: number) => ({ kind: 'commands', file: { kind: 'frozen', key, total } }) as const;

  it('has the lines that GNU parallel sees: cut at newlines only, a last one without newline too', async () => {
    await put(key, 'a\rb\n\n  c\u2028d\r\nlast');
    expect(await freezeCommands({ s3, clock: realClock }, run, frozen(4), folders)).toMatchObject({
      total: 4,
    });
    expect(readFileSync(folders.commands, 'utf8')).toBe('a\rb\n\n  c\u2028d\r\nlast');
  });

  it('is refused when it is empty, cut off, or not there', async () => {
    await put(key, '');
    await expect(freezeCommands({ s3, clock: realClock }, run, frozen(0), folders)).rejects.toThrow(
      BadCommands,
    );
    await put(key, 'one\n');
    await expect(freezeCommands({ s3, clock: realClock }, run, frozen(2), folders)).rejects.toThrow(
      /1 lines, and the plan says 2/,
    );
    const inWork = { kind: 'commands', file: { kind: 'in-work', path: 'list.txt' } } as const;
    await expect(freezeCommands({ s3, clock: realClock }, run, inWork, folders)).rejects.toThrow(
      /list.txt cannot be read/,
    );
  });

  it('is the one that was planned, or none', async () => {
    const sha256 = createHash('sha256').update('one\n').digest('hex');
    const planned = { kind: 'commands', file: { ...frozen(1).file, sha256 } } as const;
    await put(key, 'two\n');
    await expect(freezeCommands({ s3, clock: realClock }, run, planned, folders)).rejects.toThrow(
      /not the list that was planned/,
    );
    await put(key, 'one\n');
    expect(await freezeCommands({ s3, clock: realClock }, run, planned, folders)).toMatchObject({ total: 1 });
  });

  it('from the tasks’ folder is sent to the bucket', async () => {
    writeFileSync(join(folders.tasks, 'list.txt'), 'one\ntwo\n');
    const inWork = { kind: 'commands', file: { kind: 'in-work', path: 'list.txt' } } as const;
    expect(await freezeCommands({ s3, clock: realClock }, run, inWork, folders)).toMatchObject({ total: 2 });
    expect(await text(key)).toBe('one\ntwo\n');
  });

  it.each([
    ['the line ends of Windows', 'one\ntwo\r\n', /list.txt: line 2 ends with CR LF/],
    ['a byte order mark', '\ufeffone\n', /list.txt: it begins with a byte order mark/],
  ])('from the tasks’ folder is refused with %s', async (_what, list, said) => {
    writeFileSync(join(folders.tasks, 'list.txt'), list);
    const inWork = { kind: 'commands', file: { kind: 'in-work', path: 'list.txt' } } as const;
    await expect(freezeCommands({ s3, clock: realClock }, run, inWork, folders)).rejects.toThrow(said);
  });

  it('is made of a table from the tasks’ folder, and both are sent', async () => {
    writeFileSync(join(folders.tasks, 'p.csv'), 'a\n1\n2\n');
    const design = { name: 'sweep', template: 's {a}', table: { format: 'csv' } } as const;
    const work = { kind: 'commands', file: { kind: 'in-work', path: 'p.csv' }, design } as const;
    expect(await freezeCommands({ s3, clock: realClock }, run, work, folders)).toMatchObject({ total: 2 });
    expect(readFileSync(folders.commands, 'utf8')).toBe('s 1\ns 2\n');
    expect(await text(key)).toBe('s 1\ns 2\n');
    expect(await text(runKeys(runId).table('csv'))).toBe('a\n1\n2\n');
    writeFileSync(join(folders.tasks, 'p.csv'), 'b\n1\n');
    await expect(freezeCommands({ s3, clock: realClock }, run, work, folders)).rejects.toThrow(
      'commands.table p.csv: {a} of the template is no column of it: b',
    );
  });

  it('of a resumed run: what succeeded and reads the same need not run again', async () => {
    await put(key, 'one\ntwo\nthree\n');
    await freezeCommands({ s3, clock: realClock }, run, frozen(3), folders);
    const row = (seq: number, exitval: number) => ({
      seq,
      host: 'h',
      startTime: 1,
      runtime: 1,
      send: 0,
      receive: 0,
      exitval,
      signal: 0,
      command: ['', 'one', 'two', 'three'][seq] ?? '',
    });
    writeFileSync(folders.joblog, `${renderJoblog([row(1, 0), row(2, 1), row(3, 0)])}4\tcut off`);
    await put(key, 'THREE\nfour\none\ntwo\n');
    const { total, dropped } = await freezeCommands({ s3, clock: realClock }, run, frozen(4), folders);
    expect(dropped).toBe(1);
    expect([...(await alreadyDone(folders.joblog, total)).done]).toEqual([3]);
    // Batch's own retry finds the new list there already, and no row of a task of it that has not run.
    await freezeCommands({ s3, clock: realClock }, run, frozen(4), folders);
    expect([...(await alreadyDone(folders.joblog, total)).done]).toEqual([3]);
  });
});

describe('inputs', () => {
  async function archive(files: Record<string, string>, more: { links?: Record<string, string> } = {}) {
    const from = mkdtempSync(join(base, 'pack-'));
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(join(from, name, '..'), { recursive: true });
      writeFileSync(join(from, name), content, { mode: 0o755 });
    }
    for (const [name, target] of Object.entries(more.links ?? {})) symlinkSync(target, join(from, name));
    const file = join(base, 'packed.tar.gz');
    await create({ gzip: true, file, cwd: from }, readdirSync(from));
    return put2(readFileSync(file));
  }
  async function put2(bytes: Uint8Array) {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = `inputs/${sha256}.tar.gz`;
    await put(key, bytes);
    return { kind: 'archive', bucket: 'b', key, sha256, to: 'project/' } as const;
  }

  it('arrive where they belong: archive with modes and links, prefix, object', async () => {
    const input = await archive({ 'bin/sim': '#!/bin/sh\n' }, { links: { latest: 'bin/sim' } });
    await put('data/x/one.csv', '1');
    await put('data/two.csv', '2');
    const prefix = { kind: 'prefix', bucket: 'b', prefix: 'data/', to: 'data/' } as const;
    const object = { kind: 'object', bucket: 'b', key: 'data/two.csv', to: 'renamed.csv' } as const;
    await bringInputs({ s3, clock: realClock }, [input, prefix, object], folders, quiet);
    await bringInputs({ s3, clock: realClock }, [input, prefix, object], folders, quiet);
    expect(spawnSync('test', ['-x', join(folders.tasks, 'project/bin/sim')]).status).toBe(0);
    expect(readFileSync(join(folders.tasks, 'project/latest'), 'utf8')).toBe('#!/bin/sh\n');
    expect(readFileSync(join(folders.tasks, 'data/x/one.csv'), 'utf8')).toBe('1');
    expect(readFileSync(join(folders.tasks, 'renamed.csv'), 'utf8')).toBe('2');
    expect(readdirSync(folders.inputs)).toEqual([input.sha256]);
  });

  it('brought by several runs at once into one workspace are whole at every moment, for each of them', async () => {
    const content = 'x'.repeat(100_000);
    const names = Array.from({ length: 60 }, (_, index) => `part-${index}/file`);
    const input = await archive(Object.fromEntries(names.map((name) => [name, content])));
    await put('data/a', content);
    const object = { kind: 'object', bucket: 'b', key: 'data/a', to: 'a' } as const;
    const bring = () => bringInputs({ s3, clock: realClock }, [input, object], folders, quiet);
    await bring();
    let isOver = false;
    const torn: string[] = [];
    // A task of the run that came first.
    const reading = (async () => {
      while (!isOver) {
        for (const name of [...names.map((each) => `project/${each}`), 'a']) {
          const found = await readFile(join(folders.tasks, name), 'utf8').catch((error) => String(error));
          if (found !== content) torn.push(`${name}: ${found.slice(0, 80)}`);
        }
      }
    })();
    for (const changed of [false, true]) {
      if (changed) for (const name of names) utimesSync(join(folders.tasks, 'project', name), 1, 1);
      await Promise.all([bring(), bring(), bring()]);
    }
    isOver = true;
    await reading;
    expect(torn).toEqual([]);
    expect(readdirSync(folders.tasks).sort()).toEqual(['a', 'project']);
  });

  it('that are not what their hash says leave nothing behind', async () => {
    const input = await archive({ a: '1' });
    await put(input.key, 'something else');
    await expect(bringInputs({ s3, clock: realClock }, [input], folders, quiet)).rejects.toThrow(BadInput);
    expect(readdirSync(folders.inputs)).toEqual([]);
    expect(readdirSync(folders.tasks)).toEqual([]);
  });

  it('cannot write outside the tasks’ folder', async () => {
    const made = spawnSync(
      'python3',
      [
        '-c',
        `import io, sys, tarfile
out = io.BytesIO()
tar = tarfile.open(fileobj=out, mode='w:gz')
for name in ('../escaped', '${base}/absolute'):
    entry = tarfile.TarInfo(name); entry.size = 1
    tar.addfile(entry, io.BytesIO(b'x'))
tar.close()
sys.stdout.buffer.write(out.getvalue())`,
      ],
      { encoding: 'buffer' },
    );
    expect(made.status).toBe(0);
    await expect(
      bringInputs({ s3, clock: realClock }, [await put2(made.stdout)], folders, quiet),
    ).rejects.toThrow();
    expect(existsSync(join(base, 'absolute'))).toBe(false);
    expect(existsSync(join(folders.inputs, 'escaped'))).toBe(false);
    expect(readdirSync(folders.inputs)).toEqual([]);
    await put('data/x', '1');
    const object = { kind: 'object', bucket: 'b', key: 'data/x', to: '../../x' } as const;
    await expect(bringInputs({ s3, clock: realClock }, [object], folders, quiet)).rejects.toThrow(
      /leads out/,
    );
  });

  it('that are not there are named', async () => {
    const prefix = { kind: 'prefix', bucket: 'b', prefix: 'nothing/', to: 'x/' } as const;
    await expect(bringInputs({ s3, clock: realClock }, [prefix], folders, quiet)).rejects.toThrow(
      's3://b/nothing/ holds no object',
    );
  });

  it('that S3 does not let the job see are named, of a prefix as of an object', async () => {
    const refuse = () => Promise.reject(new Error('AccessDenied'));
    const denied: S3Port = { ...s3, getObject: refuse, listObjectsV2: refuse };
    const prefix = { kind: 'prefix', bucket: 'b', prefix: 'data/', to: 'x/' } as const;
    const object = { kind: 'object', bucket: 'b', key: 'data/a', to: 'a' } as const;
    for (const [input, place] of [
      [prefix, 's3://b/data/'],
      [object, 's3://b/data/a'],
    ] as const) {
      const brought = bringInputs({ s3: denied, clock: realClock }, [input], folders, quiet);
      await expect(brought).rejects.toThrow(`${place} cannot be read (Error: AccessDenied)`);
      await expect(brought).rejects.toThrow(BadInput);
    }
  });

  it('whose bytes stop coming are begun anew, and given up the fourth time', async () => {
    let broken = 0;
    const breaking = (times: number): S3Port => ({
      ...s3,
      getObject: async () => {
        async function* bytes() {
          yield Buffer.from('whole');
          if (broken++ < times) throw new Error('aborted');
        }
        return { Body: sdkStreamMixin(Readable.from(bytes())), $metadata: {} };
      },
    });
    const object = { kind: 'object', bucket: 'b', key: 'data/a', to: 'a' } as const;
    await bringInputs({ s3: breaking(3), clock: realClock }, [object], folders, quiet);
    expect(readFileSync(join(folders.tasks, 'a'), 'utf8')).toBe('whole');
    broken = 0;
    await expect(
      bringInputs({ s3: breaking(4), clock: realClock }, [object], folders, quiet),
    ).rejects.toThrow(/cannot be read .*aborted/);
  });
});

describe('the folder of a task’s output', () => {
  it('is the one that GNU parallel itself makes', () => {
    const commands = ['echo a/b\\c', `echo ${'x'.repeat(300)}`, 'printf "a\tb"', `: ${'ü'.repeat(140)}`];
    const results = join(base, 'real');
    const list = commands.map((command) => `${command}\n`).join('');
    spawnSync('parallel', ['--jobs', '1', '--results', results], {
      input: list,
      env: { PATH: process.env.PATH, HOME: base },
    });
    for (const command of commands) {
      const folder = resultFolder(results, command);
      expect(existsSync(folder), command).toBe(true);
    }
  });

  it('is one folder name for any command', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (command) => {
        const name = resultFolder('/r', command).subarray('/r/1/'.length);
        expect(name.includes('/')).toBe(false);
        expect(name.length).toBeLessThanOrEqual(255);
      }),
    );
  });
});
