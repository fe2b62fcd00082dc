import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pinDockerfile } from '../../../scripts/image/pin.ts';
import { FaultRun, task } from '../../worlds/cluster/faults/fault-run.ts';
import type { NodeImage } from '../../worlds/cluster/machine/node-image.ts';
import { ImageStore } from './image-store.ts';
import { startRegistry } from './registry.ts';
import { makeStandIns } from './stand-in.ts';

const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const EXAMPLES = join(REPOSITORY, 'examples/image');
const MINUTES = 60_000;
const MAX_BYTES = 300e6;

let store: ImageStore;
let standIns: ReturnType<typeof makeStandIns>;
/** What `npm run image` printed. */
let name: string;
let image: NodeImage;

beforeAll(() => {
  store = new ImageStore();
  standIns = makeStandIns(store);
  name = store.npmRunImage(standIns);
  image = store.unpack(name);
}, 10 * MINUTES);

afterAll(() => store.close(), 2 * MINUTES);

describe('the image that npm run image builds', () => {
  it('is at most 300 MB unpacked, and named by what is in it', () => {
    expect(name).toMatch(/^sierra-batch:\d+\.\d+\.\d+-(x86_64|arm64)-[0-9a-f]{12}$/);
    const bytes = Number(
      execFileSync('du', ['-s', '--block-size=1', image.root], { encoding: 'utf8' }).split('\t')[0],
    );
    console.log(`unpacked ${(bytes / 1e6).toFixed(0)} MB`);
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES);
  });

  it('starts the runner through tini, as an ordinary user who owns the mount folder and whose account is open', () => {
    const config = store.config(name);
    expect(config.Entrypoint.slice(0, 2)).toEqual(['/usr/bin/tini', '--']);
    expect(config.User).toBe('1000:1000');
    expect(config.Labels).toMatchObject({
      'org.opencontainers.image.version': JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
        .version,
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.base.name': standIns.systemImage,
      'sierra-batch.user-id': '1000',
    });
    const { uid, gid, mode } = statSync(join(image.root, 'mnt/efs'));
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 1000, gid: 1000, mode: 0o755 });
    expect(lineOf('etc/passwd', 'sierra')).toBe('sierra:x:1000:1000::/home/sierra:/bin/bash');
    expect(lineOf('etc/shadow', 'sierra')).toMatch(/^sierra:\*:/);
    expect(lineOf('etc/shadow', 'root')).toMatch(/^root:\*:/);
  });

  it('has the whole runner, readable by every user, and nothing else of the repository', () => {
    const there = join(image.root, 'opt/sierra-batch');
    const made = readdirSync(join(REPOSITORY, 'dist/container'));
    expect(made).toEqual(expect.arrayContaining(['agent.pl', 'group.pl', 'main.js', 'parallel.pl']));
    expect(readdirSync(there).toSorted()).toEqual([...made, 'bin', 'prepare-image.sh'].toSorted());
    for (const file of made) expect(statSync(join(there, file)).mode & 0o755).toBe(0o755);
  });

  it('holds no key, in no layer', () => {
    const files = store.filesInLayers(name);
    expect(files).toContain('usr/sbin/sshd');
    expect(
      files.filter((file) =>
        /(^|\/)(ssh_host_\w+|id_\w+|authorized_keys|known_hosts|\.npmrc)(\.pub)?$/.test(file),
      ),
    ).toEqual([]);
  });

  it('finds parallel and perl where an ssh session looks, before any profile', () => {
    const found = inImage(
      { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/games' },
      '/bin/bash',
      '-c',
      'type -P parallel perl bash ssh',
    );
    expect({ status: found.status, said: found.stdout }).toEqual({
      status: 0,
      said: '/usr/bin/parallel\n/usr/bin/perl\n/usr/bin/bash\n/usr/bin/ssh\n',
    });
  });

  it('started by hand tells what Batch would have set, and exits 2', () => {
    const started = inImage(image.environment, ...image.entrypoint);
    expect(started.status).toBe(2);
    for (const variable of ['SIERRA_BATCH_RUN', 'AWS_BATCH_JOB_ID', 'AWS_REGION'])
      expect(started.stdout).toContain(`environment:${variable}`);
    expect(started.stdout).not.toContain('environment:SIERRA_BATCH_SHARED');
  });
});

describe('a registry', () => {
  it(
    'is given the image under the same tag, and its digest is what a Dockerfile is pinned to',
    async () => {
      const registry = await startRegistry();
      const folder = mkdtempSync(join(tmpdir(), 'sbp-'));
      try {
        const there = store.npmRunImage(standIns, '--push', `${registry.host}/nodes`);
        expect(there).toBe(name.replace('sierra-batch:', `${registry.host}/nodes:`));
        writeFileSync(join(folder, 'Dockerfile'), `ARG SYSTEM_IMAGE=${there}\nFROM \${SYSTEM_IMAGE}\n`);
        const [line = ''] = await pinDockerfile(join(folder, 'Dockerfile'));
        const pinned = line.replace('ARG SYSTEM_IMAGE=', '');
        expect(pinned).toMatch(/@sha256:[0-9a-f]{64}$/);
        // Whoever builds on the pinned name gets these bytes.
        store.build('localhost/on-pinned:1', `FROM ${pinned}\n`, folder);
        expect(store.config('localhost/on-pinned:1').Labels).toEqual(store.config(name).Labels);
      } finally {
        await registry.close();
        rmSync(folder, { recursive: true });
      }
    },
    4 * MINUTES,
  );
});

describe('a whole experiment on nodes made from the image', () => {
  it(
    'runs on 4 nodes as the ordinary user',
    async () => {
      const { summary, seen } = await experiment(image, 4, 24, 'cat /proc/1/comm');
      expect(summary).toMatchObject({ outcome: 'succeeded', tasks: { total: 24, succeeded: 24 } });
      expect(summary.nodes.map(({ tasks }) => tasks > 0)).toEqual([true, true, true, true]);
      expect(new Set(seen)).toEqual(new Set(['1000:1000 /bin/bash tini']));
    },
    4 * MINUTES,
  );

  it(
    'ends with its tasks when Batch says SIGTERM, which tini passes on',
    async () => {
      const run = await FaultRun.start({ nodes: 2, image, commands: Array(4).fill(task(120)) });
      try {
        await run.tasksOn(0, 1);
        await run.system.batch.terminateJob({ jobId: run.jobId, reason: 'enough' });
        expect(await run.exitOf(0)).toBe(143);
        await run.clean();
      } finally {
        await run.close();
      }
    },
    4 * MINUTES,
  );

  it(
    'runs as root, too',
    async () => {
      const { summary, seen } = await experiment({ ...image, user: '0:0' }, 2, 4, 'echo');
      expect(summary.outcome).toBe('succeeded');
      expect(new Set(seen)).toEqual(new Set(['0:0 /bin/bash']));
    },
    4 * MINUTES,
  );

  it(
    'runs on an image of a user FROM ours, with its own program',
    async () => {
      const context = join(EXAMPLES, 'from-ours');
      store.build('own:1', readFileSync(join(context, 'Dockerfile'), 'utf8'), context, {
        SIERRA_BATCH: name,
      });
      const { summary, seen } = await experiment(store.unpack('own:1'), 2, 4, 'simulate 1');
      expect(summary.outcome).toBe('succeeded');
      expect(new Set(seen)).toEqual(new Set(['1000:1000 /bin/bash 1,.841470']));
    },
    6 * MINUTES,
  );

  it(
    'runs on an ARGoS-like image that our runner was copied into, with the account it had',
    async () => {
      const context = join(EXAMPLES, 'argos');
      const argos = `FROM ${standIns.systemImage}
RUN useradd --uid 1000 --create-home argos && printf '#!/bin/sh\\necho "argos of $(id -un), $ARGOS_PLUGIN_PATH"\\n' > /usr/local/bin/argos3 \\
  && chmod 755 /usr/local/bin/argos3
USER argos
`;
      store.build('localhost/argos:1', argos, context);
      store.build('own:2', readFileSync(join(context, 'Dockerfile'), 'utf8'), context, {
        SIERRA_BATCH: name,
        ARGOS_IMAGE: 'localhost/argos:1',
      });
      const { summary, seen } = await experiment(store.unpack('own:2'), 2, 4, 'argos3');
      expect(summary.outcome).toBe('succeeded');
      expect(new Set(seen)).toEqual(new Set(['1000:1000 /bin/bash argos of argos, /usr/local/lib/argos3']));
    },
    6 * MINUTES,
  );
});

/** Runs tasks that each leave a line: who ran it, with which shell, and what `more` prints. */
async function experiment(on: NodeImage, nodes: number, tasks: number, more: string) {
  const leaveLine = `sleep 0.3; echo "$(id -u):$(id -g)" "$BASH" $(${more}) > /mnt/efs/line-$PARALLEL_SEQ`;
  const run = await FaultRun.start({
    nodes,
    image: on,
    commands: Array.from({ length: tasks }, () => leaveLine),
    manifest: { minNodes: nodes },
  });
  try {
    const { summary } = await run.ended();
    await run.clean();
    const seen = readdirSync(run.shared)
      .filter((file) => file.startsWith('line-'))
      .map((file) => readFileSync(join(run.shared, file), 'utf8').trim());
    expect(seen).toHaveLength(tasks);
    return { summary, seen };
  } finally {
    await run.close();
  }
}

/** Runs a command as the image's user on the image's files, with this environment and nothing more. */
function inImage(environment: Readonly<Record<string, string>>, ...command: string[]) {
  const variables = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const entry = [`--userspec=${image.user}`, '--groups=', image.root, '/usr/bin/env', '-i', ...variables];
  return spawnSync('chroot', [...entry, ...command], { encoding: 'utf8', timeout: MINUTES });
}

function lineOf(file: string, account: string): string | undefined {
  return readFileSync(join(image.root, file), 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`${account}:`));
}
