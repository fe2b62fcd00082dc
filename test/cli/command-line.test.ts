import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { awsTrouble } from '../../cli/errors/explain-aws-error.ts';
import { makeProgram } from '../../cli/program.ts';
import { folderOfItsOwn, repository } from './context.ts';

const program = makeProgram('1.2.3', { begin: async () => undefined });

test('every command has a summary and an example in its help', () => {
  for (const command of program.commands) {
    let help = '';
    command.configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    command.outputHelp();
    expect(command.summary(), command.name()).not.toBe('');
    expect(help).toMatch(new RegExp(`Example:\\n {2}\\$ sierra-batch ${command.name()}( |\\n)`));
    expect(help).toContain('--json');
    for (const line of command.summary().split('\n')) expect(line.length).toBeLessThan(60);
  }
});

test('as a process: answers go to stdout, faults to stderr, the exit code says which', () => {
  const folder = folderOfItsOwn();
  writeFileSync(join(folder, 'bad.yaml'), 'apiVersion: sierra-batch/v1\nname: [\u001b[31m]\n');
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(repository, 'cli/main.ts'), ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, FORCE_COLOR: '1' },
    });
  const bad = run('validate', 'bad.yaml');
  expect(bad).toMatchObject({ status: 2, stdout: 'bad.yaml: 1 fault\n' });
  expect(bad.stderr).not.toContain('\u001b');
  expect(run('frobnicate')).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining("'frobnicate'"),
  });
  expect(run('status', '../../etc')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('A run id is'),
  });
  expect(run('clean', 'sweep-00000000001', '../../etc', '--yes')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('A run id is'),
  });
  expect(run('run', 'python3', 'sim.py', '--seed', '{seed}')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('A command with options goes in quotes'),
  });
  expect(run('logs', 'last', '7')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('sierra-batch logs RUN --task 7'),
  });
  expect(run('doctor')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^note {4}a local system: none has been here; .*$/m),
  });
  expect(run('submit', 'bad.yaml')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^sierra-batch: no local system is up here: `--watch` keeps one up/),
  });
  expect(run('runs')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^sierra-batch: no stack is named.*\n$/),
  });
});

const NAMES_MODULES = `import { registerHooks } from 'node:module';
registerHooks({
  load: (url, context, next) => {
    process.stderr.write(url + '\\n');
    return next(url, context);
  },
});`;

test('what needs no system loads neither the SDK nor the local one', () => {
  const folder = folderOfItsOwn();
  writeFileSync(join(folder, 'names-modules.mjs'), NAMES_MODULES);
  const loadedBy = (...args: string[]) => {
    const main = join(repository, 'cli/main.ts');
    const ended = spawnSync(process.execPath, ['--import', './names-modules.mjs', main, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });
    expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining('/cli/program.ts\n') });
    return ended.stderr.split('\n');
  };
  for (const args of [['--help'], ['init', 'm.yaml'], ['validate', 'm.yaml'], ['plan', 'm.yaml']])
    expect(
      loadedBy(...args).filter((url) => /@aws-sdk|local\/system\.ts/.test(url)),
      args.join(' '),
    ).toEqual([]);
});

test('what AWS has against a call is told in a sentence with what to do', () => {
  const folder = folderOfItsOwn();
  const run = (environment: Record<string, string>) =>
    spawnSync(process.execPath, [join(repository, 'cli/main.ts'), 'runs', '--stack', 'lab'], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...environment },
    });
  expect(run({})).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^sierra-batch: no region is known: .*\n$/),
  });
  expect(run({ AWS_REGION: 'eu-west-1' })).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^sierra-batch: AWS does not know who you are .* log in .*\n$/),
  });
  const keys = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  expect(run({ ...keys, AWS_ENDPOINT_URL: 'http://127.0.0.1:9', AWS_MAX_ATTEMPTS: '1' })).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^sierra-batch: nothing answers on this machine \(.*127\.0\.0\.1:9\).*\n$/),
  });
  expect(awsTrouble(Object.assign(new Error('getaddrinfo ENOTFOUND s3.x'), { code: 'ENOTFOUND' }))).toMatch(
    /^AWS cannot be reached: /,
  );
});
