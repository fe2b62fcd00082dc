import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { makeRunFolders, runFolders } from '../../container/storage/run-folders.ts';
import { bringInputs } from '../../container/transfer/inputs.ts';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import type { PlanInput } from '../../experiment/plan/plan.ts';
import { realClock } from '../../local/clock/real.ts';
import { noteFetched } from '../../submission/fetched.ts';
import { packInputs } from '../../submission/pack.ts';
import { folderOfItsOwn } from '../cli/context.ts';
import { memoryS3 } from '../support/memory-s3.ts';

/** Files by their paths, and what packing them comes to. */
function aProject(files: Record<string, string>) {
  const beside = folderOfItsOwn();
  const write = (all: Record<string, string>) => {
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(join(beside, name, '..'), { recursive: true });
      writeFileSync(join(beside, name), content);
    }
  };
  write(files);
  const s3 = memoryS3('b');
  const said: string[] = [];
  const pack = async (
    input: { from: string; to: string } = { from: './proj', to: '.' },
    signal?: AbortSignal,
  ) => {
    const manifest = { inputs: [input], run: {} } as unknown as Manifest;
    const edits = await packInputs(new Bucket(s3, 'b', realClock), join(beside, 'm.yaml'), manifest, {
      now: () => realClock.now(),
      say: (sentence) => said.push(sentence),
      ...(signal === undefined ? {} : { signal }),
    });
    const edited = (key: string) => edits.find(({ path }) => path[2] === key)?.value;
    return { from: String(edited('from')), to: String(edited('to') ?? input.to) };
  };
  const folders = runFolders(folderOfItsOwn(), { folder: 'a-0123456789a' });
  const bring = async ({ from, to }: { from: string; to: string }) => {
    await makeRunFolders(folders, 'a-0123456789a');
    const sha256 = /[0-9a-f]{64}/.exec(from)?.[0] ?? '';
    const input: PlanInput = { kind: 'archive', bucket: 'b', key: from, sha256, to };
    await bringInputs({ s3, clock: realClock }, [input], folders, () => undefined);
  };
  const there = (path: string) => join(folders.tasks, path);
  const all = () => readdirSync(folders.tasks, { recursive: true, encoding: 'utf8' }).sort();
  return { beside, write, pack, bring, there, all, said };
}

it('the same content has the same key, in whatever order the file system lists it', async () => {
  const { pack } = aProject({ 'proj/b': 'b', 'proj/a': 'a', 'proj/c': 'c' });
  const real = fsp.readdir;
  onTestFinished(() => {
    Object.assign(fsp, { readdir: real });
    syncBuiltinESMExports();
  });
  const keys: unknown[] = [];
  for (const names of ['abc', 'cab', 'bca']) {
    Object.assign(fsp, { readdir: async () => [...names] });
    syncBuiltinESMExports();
    keys.push((await pack()).from);
  }
  expect(new Set(keys).size).toBe(1);
});

it('sockets and named pipes are left out by name, whatever lies beside them', async () => {
  const { beside, pack, bring, all, said } = aProject({ 'proj/a': '1', 'proj/z': '2' });
  execFileSync('python3', [
    '-c',
    "import os, socket, sys; os.chdir(sys.argv[1]); socket.socket(socket.AF_UNIX).bind('m.sock'); os.mkfifo('pipe')",
    join(beside, 'proj'),
  ]);
  symlinkSync('a', join(beside, 'proj/link'));
  await bring(await pack());
  expect(all()).toEqual(['a', 'link', 'z']);
  expect(said).toEqual([
    'inputs: ./proj/m.sock is a socket; ./proj/pipe is a named pipe: no file, folder or link, so it is left out',
  ]);
});

it('links arrive as they are; one that leads out is named beforehand, and nothing is written through it', async () => {
  const { beside, pack, bring, there, said } = aProject({ 'proj/.venv/bin/pip': '1', 'other/x': '2' });
  symlinkSync('/usr/bin/python3', join(beside, 'proj/.venv/bin/python3'));
  symlinkSync('../other', join(beside, 'proj/data'));
  symlinkSync('.venv/bin', join(beside, 'proj/bin'));
  await bring(await pack());
  expect(readlinkSync(there('.venv/bin/python3'))).toBe('/usr/bin/python3');
  expect(readlinkSync(there('data'))).toBe('../other');
  expect(readFileSync(there('bin/pip'), 'utf8')).toBe('1');
  expect(said).toEqual([
    'inputs: ./proj/.venv/bin/python3 is a link to /usr/bin/python3; ./proj/data is a link to ../other: outside of what is sent, so it has to be there on the nodes',
  ]);
});

it('a link that became a folder, and a folder that became a link, arrive as they are now', async () => {
  const { beside, write, pack, bring, there } = aProject({ 'proj/a': '1', 'elsewhere/x': 'mine' });
  symlinkSync(join(beside, 'elsewhere'), join(beside, 'proj/data'));
  await bring(await pack());
  await fsp.rm(join(beside, 'proj/data'), { force: true });
  write({ 'proj/data/x': 'sent' });
  await bring(await pack());
  expect(lstatSync(there('data')).isDirectory()).toBe(true);
  expect(readFileSync(join(beside, 'elsewhere/x'), 'utf8')).toBe('mine');
  await fsp.rm(join(beside, 'proj/data'), { recursive: true });
  write({ 'proj/data': 'a file' });
  await expect(bring(await pack())).rejects.toThrow(
    /data is a folder, and a file with the same name has to be put there/,
  );
});

it('this system’s own folder is left out at any depth', async () => {
  const { pack, bring, all } = aProject({ 'proj/a/plot.py': '1', 'proj/a/.sierra-batch/bucket/x': '2' });
  await bring(await pack());
  expect(all()).toEqual(['a', 'a/plot.py']);
});

it('what fetch wrote is not sent with the manifest’s own folder, until it was changed or is named', async () => {
  const mine = { sim: '1', 'data/mine': '2' };
  const { beside, write, pack, bring, all, said } = aProject(mine);
  const whole = { from: '.', to: '.' };
  const { from } = await pack(whole);
  const fetched = { 'tasks.csv': 'a', 't/deep/x': 'b', 'data/y': 'c' };
  write(fetched);
  for (const [path, text] of Object.entries(fetched)) {
    const into = path.startsWith('t/') ? join(beside, 't') : beside;
    noteFetched(into, path.replace(/^t\//, ''), createHash('sha256').update(text).digest('hex'));
  }
  expect((await pack(whole)).from).toBe(from);
  expect(said).toEqual([
    'inputs: 3 files that `fetch` wrote are not sent; to send them, delete ./.sierra-batch-fetched, ./t/.sierra-batch-fetched',
  ]);
  write({ 'data/y': 'changed' });
  await bring(await pack(whole));
  expect(all()).toEqual(['data', 'data/mine', 'data/y', 'sim']);
  await bring(await pack({ from: './t', to: 't/' }));
  expect(all()).toContain('t/deep/x');
});

it('a folder that has only what fetch wrote is sent without it', async () => {
  const { beside, pack, bring, all } = aProject({ 'tasks.csv': 'a' });
  noteFetched(beside, 'tasks.csv', createHash('sha256').update('a').digest('hex'));
  await bring(await pack({ from: '.', to: '.' }));
  expect(all()).toEqual([]);
});

it('what an ignore file names is left out, from the manifest’s folder down', async () => {
  const { pack, bring, all } = aProject({
    '.sierra-batchignore': '*.tmp\n',
    'proj/.sierra-batchignore': 'data/\n!kept.tmp\n',
    'proj/a': '1',
    'proj/x.tmp': '2',
    'proj/kept.tmp': '3',
    'proj/data/huge': '4',
    'proj/deep/.sierra-batchignore': '/only-here',
    'proj/deep/only-here': '5',
  });
  await bring(await pack());
  expect(all()).toEqual(['.sierra-batchignore', 'a', 'deep', 'deep/.sierra-batchignore', 'kept.tmp'].sort());
});

it.each(['.', './'])('from: %s is the manifest’s own folder, without the manifest', async (from) => {
  const { pack, bring, all } = aProject({ 'm.yaml': 'x', 'sim.py': '1', 'sub/m.yaml': '2' });
  await bring(await pack({ from, to: '.' }));
  expect(all()).toEqual(['sim.py', 'sub', 'sub/m.yaml']);
});

it.each([
  ['data/', 'data/p.csv'],
  ['.', 'p.csv'],
  ['data/renamed.csv', 'data/renamed.csv'],
  ['q.csv', 'q.csv'],
])('a single file goes to %s as an object of a bucket does', async (to, place) => {
  const { beside, pack, bring, there } = aProject({ 'p.csv': '1,2' });
  chmodSync(join(beside, 'p.csv'), 0o755);
  await bring(await pack({ from: './p.csv', to }));
  expect(readFileSync(there(place), 'utf8')).toBe('1,2');
  expect(statSync(there(place)).mode & 0o111).toBe(0o111);
});

it('a file that shrinks a thousand times arrives', async () => {
  const { beside, pack, bring, there } = aProject({ 'proj/zeros': '' });
  truncateSync(join(beside, 'proj/zeros'), 30_000_000);
  await bring(await pack());
  expect(statSync(there('zeros')).size).toBe(30_000_000);
});

it('names that cannot be sent are told at once', async () => {
  const { beside, pack } = aProject({ 'proj/a': '1' });
  writeFileSync(Buffer.from(`${beside}/proj/caf\xe9.txt`, 'latin1'), '');
  writeFileSync(Buffer.from(`${beside}/proj/gr\xfcn.txt`, 'latin1'), '');
  await expect(pack()).rejects.toThrow(
    /^inputs: \.\/proj cannot be sent:\n {2}\.\/proj\/caf\ufffd\.txt: its name is not UTF-8: rename it\n {2}\.\/proj\/gr/,
  );
});

it('packing ends when it is told to, and leaves no copy', async () => {
  const temporary = folderOfItsOwn();
  const { pack } = aProject({ 'proj/a': 'x'.repeat(1_000_000) });
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  onTestFinished(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const stop = new AbortController();
  const packing = pack({ from: './proj', to: '.' }, stop.signal);
  stop.abort(new Error('Ctrl-C'));
  await expect(packing).rejects.toThrow('Ctrl-C');
  expect(existsSync(temporary) && readdirSync(temporary)).toEqual([]);
});

it('a file that changed is new to Python and make, one that did not is as old as it was', async () => {
  const { write, pack, bring, there } = aProject({ 'proj/p.py': 'A = 1', 'proj/same': 'x' });
  await bring(await pack());
  const built = statSync(there('p.py'));
  expect(built.mtimeMs).toBeGreaterThan(Date.UTC(1980));
  write({ 'proj/p.py': 'A = 2' });
  const same = statSync(there('same')).mtimeMs;
  await bring(await pack());
  expect(readFileSync(there('p.py'), 'utf8')).toBe('A = 2');
  // Python keeps bytecode by size and whole second.
  expect(Math.floor(statSync(there('p.py')).mtimeMs / 1000)).toBeGreaterThan(
    Math.floor(built.mtimeMs / 1000),
  );
  expect(statSync(there('same')).mtimeMs).toBe(same);
});

it.each(['./proj', '.'])(
  '%s with much in it is said before it is sent, and the way to send less',
  async (from) => {
    const { beside, pack, said } = aProject({ 'proj/big': '', 'proj/small': 'x' });
    truncateSync(join(beside, 'proj/big'), 60 * 1024 ** 2);
    await pack({ from, to: '.' });
    expect(said[0]).toBe(
      `Sends the folder ${from}: 60 MiB, 2 files; the largest is proj/big, 60 MiB. What \`.sierra-batchignore\` names stays.`,
    );
    truncateSync(join(beside, 'proj/big'), 50 * 1024 ** 2 - 1);
    said.length = 0;
    await pack({ from, to: '.' });
    expect(said.join()).not.toContain('Sends');
  },
);
