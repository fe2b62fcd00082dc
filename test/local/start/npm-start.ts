import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base } from 'vitest';
import { auditBucket } from '../../experiment/figures/audit-runs.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const REAPER = fileURLToPath(new URL('./reaper.pl', import.meta.url));
const ORDINARY_UID = 47_110;

/** True where this process may make namespaces: only then sockets can be counted and an ordinary user be tried. */
export const isRoot = process.getuid?.() === 0;

/** What became of one `npm start`. */
interface Ended {
  code: number;
  out: string;
  err: string;
  /** Processes that outlived it by more than the patience. */
  left: string[];
  /** Listening sockets of its network namespace; only told where it has one of its own. */
  listeners: string[];
}

export interface Started {
  /** Resolves once what it printed matches. */
  prints(pattern: RegExp): Promise<RegExpExecArray>;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGUSR1'): void;
  ended: Promise<Ended>;
}

export interface Place {
  folder: string;
  write(name: string, text: string): void;
  start(args: readonly string[], options?: StartOptions): Started;
  run(args: readonly string[], options?: StartOptions): Promise<Ended>;
  /** A file of the bucket. */
  text(key: string): string;
  json(key: string): unknown;
  has(key: string): boolean;
  list(key: string): string[];
  runIds(): string[];
  /** Temporary folders, join keys and private keys that are still there. */
  filesLeft(): string[];
}

interface StartOptions {
  /** An account that exists only in a mount namespace. */
  user?: 'self' | 'ordinary';
  /** A network namespace of its own, so that every listening socket in it is this run's. */
  ownNetwork?: boolean;
  /** How long processes may outlive it. */
  patienceSeconds?: number;
  command?: (node: string, code: string) => string[];
  environment?: Record<string, string>;
}

/** Tests with a folder of their own, in which `npm start` runs. */
export const test = base.extend<{ here: Place }>({
  here: async ({ task: _ }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'sbs-'));
    await use(placeIn(folder));
    auditBucket(join(folder, '.sierra-batch/bucket'));
    rmSync(folder, { recursive: true, force: true });
  },
});

function placeIn(folder: string): Place {
  chmodSync(folder, 0o777);
  mkdirSync(join(folder, 'tmp'));
  chmodSync(join(folder, 'tmp'), 0o777);
  const bucket = join(folder, '.sierra-batch/bucket');
  const text = (key: string) => readFileSync(join(bucket, key), 'utf8');
  const list = (key: string) =>
    existsSync(join(bucket, key)) ? readdirSync(join(bucket, key)).toSorted() : [];
  const start = (args: readonly string[], options: StartOptions = {}) => startIn(folder, args, options);
  return {
    folder,
    write: (name, content) => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    },
    start,
    run: (args, options) => start(args, options).ended,
    text,
    json: (key) => JSON.parse(text(key)),
    has: (key) => existsSync(join(bucket, key)),
    list,
    runIds: () => list('runs'),
    filesLeft: () => filesLeft(folder),
  };
}

function startIn(folder: string, args: readonly string[], options: StartOptions): Started {
  const { user = 'self', ownNetwork = false, patienceSeconds = 2 } = options;
  const code = user === 'self' ? repository : join(folder, 'code');
  const node = join(code, 'node_modules/node/bin/node');
  const command = options.command?.(node, code) ?? [...startCommand(node, code), ...args];
  const reaped = ['perl', REAPER, String(patienceSeconds), ...command];
  const whole = [
    ...(ownNetwork ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'] : []),
    ...(user === 'self' ? reaped : asOrdinary(folder, code, reaped)),
  ];
  const child = spawn(whole[0] ?? '', whole.slice(1), {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: user === 'self' ? process.env.HOME : folder,
      LANG: 'C.UTF-8',
      TMPDIR: join(folder, 'tmp'),
      CI: 'true',
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      const [last = '', ...before] = err.trimEnd().split('\n').toReversed();
      try {
        resolve({ ...JSON.parse(last), out, err: before.toReversed().join('\n') });
      } catch {
        reject(new Error(`npm start was not run:\n${out}\n${err}`));
      }
    });
  });
  const prints = async (pattern: RegExp) => {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(out);
      if (match !== null) found.resolve(match);
    };
    waiting.add(look);
    look();
    const early = ended.then(({ code: exit }) => {
      throw new Error(`ended with ${exit} before it printed ${pattern}:\n${out}\n${err}`);
    });
    try {
      return await Promise.race([found.promise, early]);
    } finally {
      waiting.delete(look);
    }
  };
  return { prints, signal: (name) => child.kill(name), ended };
}

/** What `npm start` runs, as package.json has it. */
export function startCommand(node: string, code: string): string[] {
  return [node, '--import', join(code, 'local/util/compile-cache.mjs'), join(code, 'local/start/start.ts')];
}

function asOrdinary(folder: string, code: string, command: readonly string[]): string[] {
  mkdirSync(code, { recursive: true });
  const passwd = join(folder, 'passwd');
  writeFileSync(
    passwd,
    `${readFileSync('/etc/passwd', 'utf8')}ordinary:*:${ORDINARY_UID}:${ORDINARY_UID}:an ordinary user:${folder}:/bin/bash\n`,
  );
  const script = `mount --bind ${passwd} /etc/passwd && mount --bind ${repository} ${code} && exec setpriv --reuid ${ORDINARY_UID} --regid ${ORDINARY_UID} --clear-groups "$@"`;
  const readable = command.map((part) => part.replace(repository, `${code}/`));
  return ['unshare', '--mount', 'sh', '-c', script, 'sh', ...readable];
}

function filesLeft(folder: string): string[] {
  const shared = join(folder, '.sierra-batch/shared');
  const kept = existsSync(shared) ? readdirSync(shared, { recursive: true, encoding: 'utf8' }) : [];
  return [
    ...readdirSync(join(folder, 'tmp'))
      .filter((name) => name.startsWith('sb-'))
      .map((name) => `tmp/${name}`),
    ...kept.filter((path) => /\/join\/.|_key(\.pub)?$|(^|\/)secret$/.test(path)),
  ];
}

/** A small manifest. */
export function manifest(change: Record<string, unknown> = {}, commands?: Record<string, unknown>): string {
  return JSON.stringify({
    apiVersion: 'sierra-batch/v1',
    name: 'small',
    cluster: { nodes: 2, vcpus: 2 },
    run: {
      commands: commands ?? { list: ['echo one', 'echo two', 'echo three', 'echo four'] },
      jobsPerNode: 2,
    },
    // Without one, it is said that nothing comes back.
    outputs: [{ path: 'results', optional: true }],
    timeouts: { join: '20s', run: '60s' },
    ...change,
  });
}

/** A package whose `npm start` is ours, in a folder of its own. Nothing is installed there. */
export function inPackage(folder: string): void {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', scripts: { start: scripts.start } }),
  );
  for (const name of ['local', 'node_modules']) symlinkSync(join(repository, name), join(folder, name));
}
