import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect } from 'vitest';
import { inPackage, isRoot, manifest, startCommand, test } from './npm-start.ts';

describe.concurrent('what cannot be run in a folder is said in a sentence, and ends with 2', {
  timeout: 120_000,
}, () => {
  test('a file that may not be read, by an ordinary user', async ({ here }) => {
    here.write('m.json', manifest());
    chmodSync(join(here.folder, 'm.json'), 0);
    const ended = await here.run(['m.json'], { user: isRoot ? 'ordinary' : 'self' });
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err.trim()).toBe('sierra-batch: m.json may not be read by this user');
  });

  test('a folder that cannot hold runs', async ({ here }) => {
    here.write('m.json', manifest());
    here.write('.sierra-batch', 'a file');
    const ended = await here.run(['m.json']);
    expect(ended).toMatchObject({ code: 2, out: '', left: [] });
    expect(ended.err).toMatch(
      /^sierra-batch: runs are kept in .*\.sierra-batch, which cannot be used: .*EEXIST/,
    );
  });

  test('a folder that leads nowhere, or cannot be made', async ({ here }) => {
    here.write('m.json', manifest());
    symlinkSync('nowhere/at/all', join(here.folder, '.sierra-batch'));
    const ended = await here.run(['m.json']);
    expect(ended).toMatchObject({ code: 2, out: '', left: [] });
    expect(ended.err).toMatch(
      /^sierra-batch: runs are kept in .*\.sierra-batch, which cannot be used: .*ENOENT/,
    );
  });

  test('inputs that are not there', async ({ here }) => {
    here.write('m.json', manifest({ inputs: [{ from: './project', to: '.' }] }));
    const ended = await here.run(['m.json']);
    expect(ended).toMatchObject({ code: 2, out: '', left: [] });
    expect(ended.err).toMatch(/^inputs: there is no file or folder \.\/project beside the manifest/);
    expect(here.runIds()).toEqual([]);
  });

  test('a second npm start in the same folder', async ({ here }) => {
    here.write('m.json', manifest({}, { list: ['sleep 30'] }));
    const first = here.start(['m.json']);
    await first.prints(/running$/m);
    const second = await here.run(['m.json']);
    first.signal('SIGTERM');

    expect(second).toMatchObject({ code: 2, out: '', left: [] });
    expect(second.err.trim()).toBe(
      `sierra-batch: another sierra-batch is at work in ${here.folder}/.sierra-batch; \`sierra-batch run FILE\` hands it a manifest, or wait until it has ended`,
    );
    expect(await first.ended).toMatchObject({ code: 143, left: [] });
  });
});

describe.concurrent('in odd surroundings, as a newcomer has them', { timeout: 120_000 }, () => {
  test('where temporary files have a long path, as on many a cluster', async ({ here }) => {
    here.write('m.json', manifest());
    const TMPDIR = join(here.folder, 'tmp', 'scratch'.repeat(12));
    mkdirSync(TMPDIR);
    const ended = await here.run(['m.json', '--fanout', 'stock'], { environment: { TMPDIR } });
    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
  });

  const PORTS_TAKEN =
    'use IO::Socket::INET; my @held = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "0.0.0.0", LocalPort => $_) or die $! } 2222, 7741; system @ARGV; exit $? >> 8';
  test.runIf(isRoot)('where an sshd listens on 2222 already, on all addresses', async ({ here }) => {
    here.write('m.json', manifest());
    const ended = await here.run([], {
      ownNetwork: true,
      command: (node, code) => ['perl', '-e', PORTS_TAKEN, ...startCommand(node, code), 'm.json'],
    });
    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
  });

  test('npm is killed (-9): the run ends with it, and leaves nothing', async ({ here }) => {
    here.write('package/m.json', manifest({}, { list: ['sleep 60', 'sleep 60 & wait'] }));
    inPackage(join(here.folder, 'package'));
    const started = here.start([], {
      command: () => ['sh', '-c', 'cd package && exec npm start --silent -- m.json'],
      patienceSeconds: 25,
    });
    await started.prints(/running$/m);
    started.signal('SIGUSR1');
    const ended = await started.ended;
    expect(ended, ended.out + ended.err).toMatchObject({
      code: 137,
      left: [],
    });
    expect(here.filesLeft()).toEqual([]);
    expect(ended.out).toMatch(/^Stopping; /m);
  });

  test('in a terminal the bar moves in its own line; in a log there is none', async ({ here }) => {
    const list = Array.from({ length: 12 }, () => 'sleep 0.6');
    here.write('m.json', manifest({}, { list }));
    const seen = await here.run([], {
      command: (node, code) => [
        'script',
        '-qec',
        `stty cols 60; ${startCommand(node, code).join(' ')} m.json`,
        '/dev/null',
      ],
      environment: { CI: '', TERM: 'xterm' },
    });
    const logged = await here.run(['m.json']);

    expect(seen, seen.out).toMatchObject({ code: 0, left: [] });
    expect(shown(seen.out)).not.toMatch(/done ·|░|█/);
    const bars = seen.out.split('\r').filter((part) => part.includes(' done'));
    expect(bars).not.toEqual([]);
    for (const bar of bars) expect(stripVTControlCharacters(bar).length).toBeLessThan(60);
    expect(bars.at(-1)).toMatch(/[1-9]\d*\/12 done/);
    expect(logged.out).toBe(stripVTControlCharacters(logged.out));
    expect(logged.out).not.toMatch(/\r|░|█/);
    // But for times, the run's id, and what is told only to whoever waits longer.
    const ofOneRun = (text: string) =>
      stripVTControlCharacters(text)
        .replaceAll(/^ {8}.*\n|^.* done · .*\n/gm, '')
        .replaceAll(/small-[0-9a-f]{11}|[\d.]+ (m?s|node-hours)|^ +[\d.]+ /gm, '…');
    expect(ofOneRun(shown(seen.out))).toBe(ofOneRun(logged.out));
  });
});

/** What a terminal shows in the end: what a line was before it was wiped is gone. */
function shown(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => line.split('\x1b[2K').at(-1) ?? '')
    .join('\n');
}
