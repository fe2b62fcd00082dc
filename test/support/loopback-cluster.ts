import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import { realClock } from '../../local/clock/real.ts';
import { startLoopbackServer } from '../../local/http/server.ts';
import { reserveLoopbackBlock } from '../loopback-block.ts';
import { memoryS3 } from './memory-s3.ts';
import { noBatch, noStates } from './no-services.ts';

const TASKS = { accessKeyId: 'TASK', secretAccessKey: 'secret-of-tasks' };

const repository = fileURLToPath(new URL('../..', import.meta.url));
let clusters = 0;

/** Nodes run as this process' user, or as an ordinary one that exists only in their own mount namespace (needs root). */
export type NodeUser = 'self' | 'ordinary';

interface LoopbackNode {
  child: ChildProcess;
  /** Exit code, or -1 when a signal ended it. */
  exited: Promise<number>;
  output(): string;
  /** Resolves once a log line has this event. */
  event(name: string, timeoutMs?: number): Promise<void>;
}

export interface LoopbackCluster {
  base: string;
  shared: string;
  runId: string;
  jobId: string;
  address(index: number): string;
  start(index: number, environment?: Record<string, string>): LoopbackNode;
  startAll(environment?: Record<string, string>): LoopbackNode[];
  text(key: string): Promise<string | undefined>;
  progress(): Promise<Progress>;
  nodes(): Promise<NodeRecord[]>;
  put(key: string, text: string): Promise<void>;
  /** Every process of one node at once: SIGKILL is its host's loss, SIGSTOP a host that hangs. */
  signalNode(index: number, signal: NodeJS.Signals): void;
  /** The listener of one node's sshd and its sessions, not what runs in them. */
  killSshd(index: number): void;
  /** Processes, sockets, temporary folders and keys of this run that are still there. */
  leftovers(): string[];
  close(): Promise<void>;
}

/** Tests that make clusters, each closed when its test is over; they may run at once. */
export const test = base.extend<{ aCluster: typeof loopbackCluster }>({
  aCluster: async ({ task: _ }, use) => {
    const made: LoopbackCluster[] = [];
    await use(async (...args) => {
      const cluster = await loopbackCluster(...args);
      made.push(cluster);
      return cluster;
    });
    await Promise.all(made.map((cluster) => cluster.close()));
  },
});

export const JOIN_PORT = 7741;
export const SSH_PORT = 22_722;

/** A run of these commands on real processes: real runner, real sshd, real S3 client, on 127.x.y.z. */
export async function loopbackCluster(
  commands: readonly string[],
  change: Partial<Plan> = {},
  user: NodeUser = 'self',
): Promise<LoopbackCluster> {
  clusters += 1;
  const jobId = `job-${process.pid}-${clusters}`;
  const base = mkdtempSync(join(tmpdir(), 'sbt-'));
  chmodSync(base, 0o755);
  const { prefix: block, address, release } = await reserveLoopbackBlock();
  const runId = 'test-run-0123456789a';
  const keys = runKeys(runId);
  const nodes = change.cluster?.nodes ?? 4;
  const shared = join(base, 'shared');
  mkdirSync(shared);
  if (user === 'ordinary') chmodSync(shared, 0o777);
  const s3 = memoryS3('bucket');
  const addresses = new Map(Array.from({ length: nodes }, (_, index) => [`n${index}`, address(index)]));
  const server = await startLoopbackServer({
    s3,
    batch: noBatch,
    states: noStates,
    callers: { owner: { accessKeyId: 'OWNER', secretAccessKey: 'own' }, tasks: TASKS },
    addresses,
  });
  const put = async (key: string, text: string) => {
    await s3.putObject({ Bucket: 'bucket', Key: key, Body: text });
  };
  await put(keys.commands, commands.map((line) => `${line}\n`).join(''));
  await put(keys.plan, JSON.stringify({ ...plainPlan(runId, keys.commands, commands.length), ...change }));
  const children: LoopbackNode[] = [];
  const text = (key: string) => new Bucket(s3, 'bucket', realClock).read(key).then((found) => found?.text);
  const start = (index: number, environment: Record<string, string> = {}) => {
    const temporary = join(base, `t${index}`);
    mkdirSync(temporary, { recursive: true });
    chmodSync(temporary, 0o777);
    const node = startNode(user, base, {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '/',
      TMPDIR: temporary,
      SIERRA_BATCH_RUN: `s3://bucket/runs/${runId}`,
      SIERRA_BATCH_SHARED: shared,
      SIERRA_BATCH_JOIN_PORT: String(JOIN_PORT),
      SIERRA_BATCH_SSH_PORT: String(SSH_PORT),
      SIERRA_BATCH_PROGRESS_SECONDS: '1',
      AWS_ENDPOINT_URL_S3: server.url,
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: TASKS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: TASKS.secretAccessKey,
      ECS_CONTAINER_METADATA_URI_V4: `${server.url}/ecs/n${index}`,
      AWS_BATCH_JOB_ID: `${jobId}#${index}`,
      AWS_BATCH_JOB_ATTEMPT: '1',
      AWS_BATCH_JOB_NODE_INDEX: String(index),
      AWS_BATCH_JOB_MAIN_NODE_INDEX: '0',
      AWS_BATCH_JOB_NUM_NODES: String(nodes),
      ...(index === 0 ? {} : { AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: address(0) }),
      ...environment,
    });
    children.push(node);
    return node;
  };
  return {
    base,
    shared,
    runId,
    jobId,
    address,
    start,
    startAll: (environment) => Array.from({ length: nodes }, (_, index) => start(index, environment)),
    text,
    progress: async () => JSON.parse((await text(keys.progress)) ?? '{}') as Progress,
    nodes: async () => JSON.parse((await text(keys.nodes)) ?? '[]') as NodeRecord[],
    put,
    signalNode(index, signal) {
      const own = pidsOf(join(base, `t${index}`), `${jobId}-1-${index}`, `${jobId}#${index}`);
      for (const pid of withDescendants(own)) {
        try {
          process.kill(pid, signal);
        } catch {
          // it ended by itself meanwhile
        }
      }
    },
    killSshd(index) {
      const own = withDescendants(pidsOf(join(base, `t${index}`), 'none', 'none'));
      for (const pid of own.filter((one) => commandOf(one).startsWith('sshd:'))) process.kill(pid, 'SIGKILL');
    },
    leftovers: () => leftovers(base, jobId, block),
    async close() {
      for (const { child } of children) child.kill('SIGKILL');
      await Promise.all(children.map((node) => node.exited));
      for (const pid of pidsOf(base, `${jobId}-`, `${jobId}#`)) process.kill(pid, 'SIGKILL');
      await server.close();
      release();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/** True where this process may make a mount namespace: only then an ordinary user can be tried beside root. */
const isRoot = process.getuid?.() === 0;

/** Both kinds of users, and whether one cannot be tried here: then its tests are skipped, which CI does not let pass. */
export const USERS = (['self', 'ordinary'] as const).map((user) => ({
  user,
  cannot: user === 'ordinary' && !isRoot,
}));

const ORDINARY_UID = 47_110;

function startNode(user: NodeUser, base: string, env: Record<string, string>): LoopbackNode {
  const [file, args] = user === 'self' ? asSelf() : asOrdinary(base);
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer) => {
    said += chunk.toString('utf8');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const exited = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  const event = async (name: string, timeoutMs = 30_000) => {
    const deadline = Date.now() + timeoutMs;
    while (!said.includes(`"event":"${name}"`)) {
      if (Date.now() > deadline) throw new Error(`no ${name} within ${timeoutMs} ms:\n${said}`);
      await realClock.sleep(50);
    }
  };
  return { child, exited, output: () => said, event };
}

function asSelf(): [string, string[]] {
  return [
    process.execPath,
    ['--import', join(repository, 'local/util/compile-cache.mjs'), join(repository, 'container/main.ts')],
  ];
}

/** An account of its own, named as those of a domain are, in `/etc/passwd` of a mount namespace; nothing is changed on this machine. */
function asOrdinary(base: string): [string, string[]] {
  const passwd = join(base, 'passwd');
  const code = join(base, 'code');
  mkdirSync(code, { recursive: true });
  const entry = `ordinary@lab.example:*:${ORDINARY_UID}:${ORDINARY_UID}:an ordinary user:${base}:/bin/bash\n`;
  writeFileSync(passwd, `${readFileSync('/etc/passwd', 'utf8')}${entry}`);
  const script = [
    'set -e',
    `mount --bind ${passwd} /etc/passwd`,
    `mount --bind ${repository} ${code}`,
    `exec setpriv --reuid ${ORDINARY_UID} --regid ${ORDINARY_UID} --clear-groups ${code}/node_modules/node/bin/node ${code}/container/main.ts`,
  ];
  return ['unshare', ['--mount', 'bash', '-c', script.join('\n')]];
}

function plainPlan(runId: string, key: string, total: number): Plan {
  return {
    version: 1,
    runId,
    folder: runId,
    source: { bucket: 'bucket', key: 'manifests/test.yaml', version: '1' },
    name: 'test-run',
    cluster: { nodes: 4, vcpus: 2, memoryMiB: 512 },
    minNodes: 4,
    slots: 2,
    threadsPerTask: 1,
    fanout: 'pool',
    work: { kind: 'commands', file: { kind: 'frozen', key, total } },
    inputs: [],
    outputs: [],
    environment: {},
    timeouts: { queueSeconds: 60, joinSeconds: 40, runSeconds: 120 },
    retry: { attempts: 1, tasks: 0 },
    notify: [],
    tags: {},
  };
}

function leftovers(base: string, jobId: string, block: string): string[] {
  const processes = pidsOf(base, `${jobId}-`, `${jobId}#`).map((pid) => `process ${pid}: ${commandOf(pid)}`);
  const temporary = readdirSync(base)
    .filter((name) => /^t\d+$/.test(name))
    .flatMap((name) => readdirSync(join(base, name)).map((entry) => `temporary ${name}/${entry}`));
  const joins = readdirSync(join(base, 'shared/runs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\/join\/./.test(path))
    .map((path) => `key ${path}`);
  return [...processes, ...temporary, ...joins, ...listeners(block)];
}

/** Processes that carry the job's id or work in its folder; its S3 server, which is this process, is none. */
function pidsOf(folder: string, marker: string, job: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        if (/\) Z /.test(statOf(pid))) return false;
        const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
        return (
          environ.includes(`SIERRA_BATCH_NODE=${marker}`) ||
          environ.includes(`AWS_BATCH_JOB_ID=${job}`) ||
          readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(`${folder}/`)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

function withDescendants(pids: readonly number[]): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const [, parent = ''] = /\) \S (\d+)/.exec(statOf(name)) ?? [];
    parents.set(Number(name), Number(parent));
  }
  const found = new Set(pids);
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return ''; // it ended meanwhile
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').slice(0, 200);
  } catch {
    return '(ended)';
  }
}

/** Listening sockets on this cluster's addresses, from /proc/net/tcp (little-endian hex); the first of the block holds it. */
function listeners(block: string): string[] {
  const [a = 0, b = 0, c = 0] = block.split('.').map(Number);
  const suffix = [c, b, a].map((part) => part.toString(16).padStart(2, '0').toUpperCase()).join('');
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, local = '', , state]) => state === '0A' && local.slice(2, 8) === suffix && !local.startsWith('01'),
    )
    .map(([, local]) => `listener ${local}`);
}
