import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { folderOfItsOwn, repository } from './context.ts';

const MAIN = join(repository, 'cli/main.ts');

test('a folder that leads nowhere is told in a sentence', async () => {
  const folder = folderOfItsOwn();
  symlinkSync('nowhere/at/all', join(folder, '.sierra-batch'));
  const { code, err } = await sierraBatch(folder, 'local', '--yes');
  expect({ code, err }).toMatchObject({
    code: 2,
    err: expect.stringMatching(
      /^sierra-batch: runs are kept in \S+, which cannot be used: .*ENOENT[^\n]*\n$/,
    ),
  });
});

test('a run from submit to fetch, over a local system that another process keeps up', async () => {
  const folder = folderOfItsOwn();
  const { said, ended: systemEnded, signal } = await startLocal(folder);
  const endpoint = join(folder, '.sierra-batch/local.json');
  expect(statSync(endpoint).mode & 0o777).toBe(0o600);
  mkdirSync(join(folder, 'project'));
  writeFileSync(join(folder, 'project/word'), 'hello');
  const manifest = (list: readonly string[]) =>
    JSON.stringify({
      apiVersion: 'sierra-batch/v1',
      name: 'small',
      cluster: { nodes: 2, vcpus: 2 },
      run: { commands: { list }, jobsPerNode: 2 },
      inputs: [{ from: './project', to: '.' }],
      outputs: ['results/'],
      timeouts: { join: '20s', run: '60s' },
      notify: ['failed'],
    });
  writeFileSync(
    join(folder, 'm.json'),
    manifest(['mkdir -p results && cat word > results/a', 'echo so it is >&2; exit 3', 'true']),
  );
  const rejected = await sierraBatch(folder, 'submit', 'none.json');
  expect(rejected).toMatchObject({ code: 2, err: 'none.json: there is no file none.json\n' });

  const submitted = await sierraBatch(folder, 'submit', 'm.json', '--watch');
  expect(submitted, submitted.err).toMatchObject({ code: 1 });
  expect(submitted.out).toMatch(/running\n[\s\S]*collecting\n/);
  const [, first = ''] = /^run (\S+)$/m.exec(submitted.out) ?? [];

  // What would be a mail is told where the system runs.
  const mail = / small failed: 1 of 3 tasks failed.* \((\.sierra-batch\/notifications\/.*)\)\n/;
  await expect.poll(() => said.err, { timeout: 20_000 }).toMatch(mail);
  expect(existsSync(join(folder, mail.exec(said.err)?.[1] ?? ''))).toBe(true);

  const answers = await Promise.all(
    [
      ['runs', '--state', 'failed'],
      ['status', first],
      ['tasks', first, '--failed', '--json'],
      ['logs', first, '--task', '2'],
      ['logs', first, '--node', '1'],
      ['report', first],
      ['fetch', first, 'here'],
    ].map((args) => sierraBatch(folder, ...args)),
  );
  const [runs, status, tasks, output, log, report] = answers;
  for (const each of answers) expect(each, each.err).toMatchObject({ code: 0 });
  expect(runs?.out).toMatch(new RegExp(`^RUN .*\\n${first} +failed .* 2/3 +1 `));
  expect(status?.out).toMatch(new RegExp(`^${first}: failed\\n.*1 of 3.*`, 'm'));
  expect(JSON.parse(tasks?.out ?? '')).toMatchObject([{ task: '2', end: 'exit 3' }]);
  expect(output).toMatchObject({ out: '', err: 'so it is\n' });
  expect(log?.out).toMatch(/"node":1|Node:/);
  expect(readFileSync(join(folder, report?.out.trim() ?? ''), 'utf8')).toContain('<html');
  expect(readFileSync(join(folder, 'here/results/a'), 'utf8')).toBe('hello');

  // Again is another run: the same file, the same place, another key.
  const again = await sierraBatch(folder, 'submit', 'm.json');
  const second = again.out.trim();
  expect(second).not.toBe(first);
  expect(await sierraBatch(folder, 'watch', second)).toMatchObject({ code: 1 });
  const resumed = await sierraBatch(folder, 'resume', first, '--watch', '--json');
  expect(JSON.parse(resumed.out), resumed.err).toMatchObject({
    outcome: 'failed',
    tasks: { total: 3, failed: 1 },
  });

  // The program may have been mended meanwhile; it is not what runs.
  expect(await sierraBatch(folder, 'resume', second, '--watch')).toMatchObject({
    code: 1,
    err: expect.stringContaining(`Its inputs are those sent for ${second}.`),
  });

  writeFileSync(join(folder, 'long.json'), manifest(['sleep 60', 'sleep 60']));
  const long = (await sierraBatch(folder, 'submit', 'long.json')).out.trim();
  const cancelled = await sierraBatch(folder, 'cancel', long, '--reason', 'wrong seed: 7, not 8');
  const by = `Cancelled by ${userInfo().username}.`;
  expect(cancelled, cancelled.err).toMatchObject({ code: 0, out: `${by}\n` });
  const ended = await sierraBatch(folder, 'status', long);
  expect(ended.out).toContain(`${by}\nWrong seed: 7, not 8.`);
  expect((await sierraBatch(folder, 'runs', '--state', 'cancelled')).out).toContain(long);

  const salvaged = await sierraBatch(folder, 'collect', first);
  expect(salvaged, salvaged.err).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      new RegExp(`^${first}: \\d+ rows of the joblog and \\d+ files? of outputs are in the bucket\n$`),
    ),
  });
  expect(await sierraBatch(folder, 'clean', first)).toMatchObject({ code: 2 });
  const cleaned = await sierraBatch(folder, 'clean', second, '--yes');
  expect(cleaned, cleaned.err).toMatchObject({ code: 0, out: expect.stringContaining(second) });
  expect(await sierraBatch(folder, 'clean', '--workspace', 'none', '--yes')).toMatchObject({
    code: 1,
    out: 'not removed: workspaces/none: it is not there\n',
  });
  const deleted = await sierraBatch(folder, 'clean', long, '--records', '--yes');
  expect(deleted, deleted.err).toMatchObject({ code: 0, err: expect.stringContaining(`Deleted: ${long}`) });
  expect((await sierraBatch(folder, 'runs')).out).not.toContain(long);
  expect(await sierraBatch(folder, 'doctor')).toMatchObject({ code: 0 });

  signal('SIGTERM');
  expect(await systemEnded).toBe(0);
  expect(existsSync(endpoint)).toBe(false);
  // What it has left can be read; nothing can be started there.
  expect((await sierraBatch(folder, 'status', first)).out).toContain(`${first}: failed`);
  expect(await sierraBatch(folder, 'submit', 'm.json')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no local system is up here'),
  });
  expect(await sierraBatch(folder, 'doctor')).toMatchObject({ code: 0 });
  // Or a command keeps one up for itself.
  const removed = await sierraBatch(folder, 'clean', first, '--yes');
  expect(removed, removed.err).toMatchObject({
    code: 0,
    out: expect.stringContaining(`removed runs/${first}`),
  });
});

const SHORT = ['run', 'true {s}', 's=1..2'];
const LONG = ['run', 'sleep 0.5; echo {s}', 's=1..40'];

test('of two runs in two terminals the first stays until the second has ended too', async () => {
  const { first, second } = await twoTerminals(['run', 'sleep 0.5; echo {s}', 's=1..12']);
  await expect.poll(() => first.said.err).toContain('Waiting for 1 other run in this local system.');
  expect(await second.ended, second.said.err).toBe(0);
  expect(second.said.out).toContain('Succeeded: 12 of 12 tasks');
  expect(second.said.err).toContain('In the local system in .sierra-batch, which another command keeps up.');
  expect(await first.ended).toBe(0);
});

test('a run whose local system is stopped in another terminal is cancelled, and is told alike there and later', async () => {
  const { folder, first, second, runId } = await twoTerminals(LONG);
  await expect.poll(() => first.said.err).toContain('Waiting for 1 other run');
  first.signal('SIGINT');
  expect(await second.ended, second.said.err).toBe(143);
  const told = `Cancelled by ${userInfo().username}.\nStopped at the terminal. `;
  expect(second.said.out).toContain(told);
  expect(await first.ended).toBe(0);
  expect((await sierraBatch(folder, 'status', runId)).out).toContain(told);
});

test('a run whose local system was killed is told as it stands, and resume goes on with it', async () => {
  const { folder, first, second, runId } = await twoTerminals(LONG);
  first.signal('SIGKILL');
  expect(await second.ended).toBe(143);
  const stopped = /No local system is up here: the run has stopped at \d+ of 40 tasks\. `sierra-batch local`/;
  expect(second.said.err).toMatch(stopped);
  expect(second.said.err).not.toContain('AWS');
  expect((await sierraBatch(folder, 'status', runId)).out).toMatch(stopped);
  const resumed = await sierraBatch(folder, 'resume', runId, '--yes');
  expect(resumed, resumed.err).toMatchObject({
    code: 0,
    out: expect.stringContaining('All tasks succeeded.'),
  });
  expect((await sierraBatch(folder, 'status', runId)).out).toContain(
    'Cancelled by the end of the local system.',
  );
});

/** A short run that keeps its system up, and this one in a second terminal, whose first tasks have ended. */
async function twoTerminals(longer: readonly string[]) {
  const folder = folderOfItsOwn();
  const first = start(folder, ...SHORT);
  await expect.poll(() => existsSync(join(folder, '.sierra-batch/local.json'))).toBe(true);
  const second = start(folder, ...longer);
  const progress = () =>
    readFileSync(join(folder, `.sierra-batch/bucket/runs/${runId()}/progress.json`), 'utf8');
  const runId = () => /^run (\S+)$/m.exec(second.said.out)?.[1] ?? '';
  await expect.poll(progress).toMatch(/"succeeded": ?[1-9]/);
  return { folder, first, second, runId: runId() };
}

test('the page of runs has a fixed address where a port is given, which must be free', async () => {
  const folder = folderOfItsOwn();
  const taken = createServer();
  await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done));
  const { port } = taken.address() as AddressInfo;
  const refused = await sierraBatch(folder, 'local', '--port', String(port));
  expect(refused).toMatchObject({
    code: 2,
    err: expect.stringContaining(`--port ${port}: another program listens`),
  });
  await new Promise((done) => taken.close(done));
  const page = async () => {
    const local = start(folder, 'local', '--port', String(port));
    await expect.poll(() => local.said.out).toMatch(/^Page of runs, live: \S+$/m);
    const [, url = ''] = /live: (\S+)$/m.exec(local.said.out) ?? [];
    const { status } = await fetch(url);
    local.signal('SIGTERM');
    expect(await local.ended).toBe(0);
    return [url, status];
  };
  const before = await page();
  expect(before).toEqual([expect.stringContaining(`127.0.0.1:${port}/`), 200]);
  expect(await page()).toEqual(before);
});

async function startLocal(folder: string) {
  const local = start(folder, 'local');
  await Promise.race([
    expect.poll(() => local.said.out).toContain('is up in'),
    local.ended.then(() => Promise.reject(new Error(`the local system ended at once: ${local.said.err}`))),
  ]);
  return local;
}

async function sierraBatch(folder: string, ...args: string[]) {
  const { said, ended } = start(folder, ...args);
  return { code: await ended, ...said };
}

/** A command in a terminal of its own, which is closed after the test. */
function start(folder: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: environment() });
  const said = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => {
    said.out += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    said.err += data.toString();
  });
  const ended = once(child, 'close').then(([code]: unknown[]) => code);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { said, ended, signal: (name: NodeJS.Signals) => child.kill(name) };
}

/** Nothing of AWS: not even a region. */
function environment() {
  return { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', CI: 'true' };
}
