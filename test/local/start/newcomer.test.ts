import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import { readStartOptions } from '../../../local/start/options.ts';
import { FAULTS } from '../../../local/system/faults.ts';
import { inPackage, isRoot, manifest, test } from './npm-start.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));

describe.concurrent('what cannot be run is said in a sentence, and ends with 2', { timeout: 120_000 }, () => {
  const CASES = [
    [['nowhere.yaml'], 'sierra-batch: there is no file nowhere.yaml'],
    [['--quick'], "npm start: Unknown option '--quick' (npm start -- --help says more)"],
  ] as const;
  for (const [args, says] of CASES) {
    test(args.join(' '), async ({ here }) => {
      const ended = await here.run([...args]);
      expect(ended).toMatchObject({ code: 2, out: '', left: [] });
      expect(ended.err.trim()).toMatch(/^[^\n]*$/);
      expect(ended.err).toContain(says);
    });
  }
});

describe.concurrent('through npm, as a newcomer does it', { timeout: 120_000 }, () => {
  test('a manifest is found from where the user is, and told from there', async ({ here }) => {
    here.write('package/mine/m.json', manifest());
    inPackage(join(here.folder, 'package'));
    const ended = await here.run([], {
      command: () => ['sh', '-c', 'cd package/mine && npm start --silent -- m.json'],
    });
    expect(ended, ended.out + ended.err).toMatchObject({ code: 0, left: [] });
    expect(ended.out).toMatch(/^report {3}\.\.\/\.sierra-batch\/bucket\/runs\//m);
  });

  test('npm is told to end: the run ends with it, and leaves nothing', async ({ here }) => {
    here.write('package/m.json', manifest({}, { list: ['sleep 60', 'sleep 60 & wait'] }));
    inPackage(join(here.folder, 'package'));
    const started = here.start([], {
      command: () => ['sh', '-c', 'cd package && exec npm start --silent -- m.json'],
      patienceSeconds: 25,
    });
    await started.prints(/running$/m);
    started.signal('SIGTERM');
    const ended = await started.ended;
    expect(ended, ended.out + ended.err).toMatchObject({
      code: 143,
      left: [],
    });
    expect(here.filesLeft()).toEqual([]);
    expect(ended.out).toMatch(/^Stopping; /m);
  });
});

describe('before anything is installed', () => {
  test('not on Linux, or on an old Node: one sentence, exit code 2', () => {
    const prepare = (change: string) =>
      spawnSync(
        process.execPath,
        ['--import', `data:text/javascript,${change}`, join(repository, 'scripts/install/prepare.mjs')],
        {
          encoding: 'utf8',
        },
      );
    const mac = prepare('Object.defineProperty(process,"platform",{value:"darwin"})');
    expect(mac).toMatchObject({ status: 2, stdout: '' });
    expect(mac.stderr).toMatch(
      /^sierra-batch runs its nodes with Linux .* this is not Linux\. Use a Linux machine.*\n$/,
    );
    const old = prepare('Object.defineProperty(process.versions,"node",{value:"18.20.1"})');
    expect(old).toMatchObject({
      status: 2,
      stderr: 'sierra-batch needs Node 20 or later to start, and this is 18.20.1.\n',
    });
  });

  test('an ordinary user without sudo gets one command to run, and exit code 2', async ({ here }) => {
    const bin = emptyPath(here.folder, { 'apt-get': 'exit 1' });
    const ended = await here.run([], {
      user: isRoot ? 'ordinary' : 'self',
      command: (node, code) => ['env', `PATH=${bin}`, node, `${code}/scripts/install/packages.mjs`, '--yes'],
    });
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toMatch(/^Debian packages are missing: parallel, openssh-client, perl\. /);
    const commands = ended.err.split('\n').filter((line) => line.startsWith('  '));
    expect(commands).toEqual([
      expect.stringMatching(/^ {2}sudo \S*node \S*scripts\/install\/packages\.mjs --yes$/),
    ]);
  });

  test.skipIf(!isRoot)(
    'as root: apt may start no service meanwhile, and the machine’s own policy is back afterwards',
    async ({ here }) => {
      const log = join(here.folder, 'apt.log');
      const bin = emptyPath(here.folder, {
        'apt-get': `/bin/echo "$* policy=$(/usr/sbin/policy-rc.d; /bin/echo $?)" >> ${log}; exit 100`,
      });
      // /usr/sbin of a mount namespace: nothing is changed on this machine.
      const script = [
        'mount -t tmpfs tmpfs /usr/sbin',
        'printf "#!/bin/sh\\nexit 104\\n" > /usr/sbin/policy-rc.d',
        'chmod 755 /usr/sbin/policy-rc.d',
        `PATH=${bin} "$0" "$1" --yes`,
        'echo "exit $?; policy now: $(/usr/sbin/policy-rc.d; echo $?)"',
      ].join('\n');
      const ended = await here.run([], {
        command: (node, code) => [
          'unshare',
          '--mount',
          'sh',
          '-c',
          script,
          node,
          `${code}/scripts/install/packages.mjs`,
        ],
      });
      expect(ended.out).toContain('exit 2; policy now: 104');
      expect(ended.err).toMatch(
        /apt could not install parallel, .*: see above\. Are Debian's packages reachable\?/,
      );
      const calls = spawnSync('cat', [log], { encoding: 'utf8' }).stdout.trim().split('\n');
      expect(calls[0]).toMatch(/ install -y --no-install-recommends parallel openssh-server .* policy=101$/);
      expect(calls.length).toBeGreaterThan(1);
    },
  );

  test('two first starts at once install the packages once', async () => {
    const clone = mkdtempSync(join(tmpdir(), 'sbs-'));
    try {
      mkdirSync(join(clone, 'scripts'));
      cpSync(join(repository, 'scripts/install/prepare.mjs'), join(clone, 'scripts/install/prepare.mjs'));
      writeFileSync(join(clone, 'package-lock.json'), '{}');
      const bin = join(clone, 'bin');
      mkdirSync(bin);
      writeFileSync(
        join(bin, 'npm'),
        `#!/bin/sh\necho "$*" >> ${clone}/calls\nsleep 0.7\nmkdir -p ${clone}/node_modules\n`,
      );
      chmodSync(join(bin, 'npm'), 0o755);
      const both = `"$0" scripts/install/prepare.mjs & "$0" scripts/install/prepare.mjs; a=$?; wait $!; echo "$a $?"`;
      const { stdout } = spawnSync('sh', ['-c', both, process.execPath], {
        cwd: clone,
        encoding: 'utf8',
        env: { PATH: `${bin}:${process.env.PATH}` },
      });
      expect(stdout).toBe('0 0\n');
      expect(spawnSync('cat', [join(clone, 'calls')], { encoding: 'utf8' }).stdout).toMatch(/^ci [^\n]*\n$/);
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  });

  test('--help names every option, every fault and every exit code', () => {
    const help = readStartOptions(['--help'], { from: '/', cwd: '/', repository });
    expect(help.kind).toBe('help');
    const text = help.kind === 'help' ? help.text : '';
    for (const word of ['--nodes', '--fanout', '--fault', '--yes', ...FAULTS])
      expect(text).toMatch(new RegExp(`^ +${word} `, 'm'));
    const [, codes = ''] = text.split('Exit codes:');
    // A duplicate job of the run touches nothing and never ends it.
    for (const code of Object.values(EXIT).filter((each) => each !== EXIT.notOwner))
      expect(codes).toMatch(new RegExp(`(^|\\s)${code} [A-Za-z]`));
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  });
});

/** A PATH with nothing but these scripts. */
function emptyPath(folder: string, scripts: Record<string, string>): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, body] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
