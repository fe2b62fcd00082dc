import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { FanoutScheme } from '../../../experiment/plan/plan.ts';
import type { LoopbackCluster } from '../../support/loopback-cluster.ts';
import { test, USERS } from '../../support/loopback-cluster.ts';

const PATIENCE = { timeout: 120_000 };
const twoNodes = { cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 }, minNodes: 2, slots: 1 };

const AWKWARD: Record<string, string> = {
  BLANKS: '  two  blanks ',
  QUOTES: `it's "quoted" \`here\` $HOME \\`,
  LINES: 'one\ntwo\n\nfour\n',
  EQUALS: 'a=b=c',
  OTHER_SCRIPT: 'größe 試験 🚀',
  EMPTY: '',
};

/** Each task leaves its whole environment, in its node's own file, and stays until one on the other node has done so. */
const COMMANDS = Array.from(
  { length: 2 },
  () =>
    'env -0 > "../env-$AWS_BATCH_JOB_NODE_INDEX"; until [ -e ../env-0 ] && [ -e ../env-1 ]; do sleep 0.1; done',
);

function environmentOn(cluster: LoopbackCluster, index: number): Record<string, string> {
  const file = join(cluster.shared, 'runs', cluster.runId, `env-${index}`);
  const entries = readFileSync(file, 'utf8')
    .split('\0')
    .filter((entry) => entry !== '');
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
}

/** What a task finds around it, whichever scheme starts it. */
export function describeSurroundings(fanout: FanoutScheme): void {
  describe.concurrent(`a task started by ${fanout}`, () => {
    test(
      'has the manifest’s environment, SIERRA’s variables, and its own node’s AWS variables',
      PATIENCE,
      async ({ aCluster }) => {
        const cluster = await aCluster(COMMANDS, { ...twoNodes, fanout, environment: AWKWARD });
        const nodes = cluster.startAll({
          PARALLEL: '--env LISTED --env NOT_DEFINED',
          LISTED: 'by PARALLEL',
          LD_LIBRARY_PATH: '/opt/some lib',
          UNLISTED: 'stays on node 0',
        });
        expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([0, 0]);
        for (const index of [0, 1]) {
          const seen = environmentOn(cluster, index);
          expect(seen).toMatchObject({ ...AWKWARD, LISTED: 'by PARALLEL', LD_LIBRARY_PATH: '/opt/some lib' });
          expect(seen).toMatchObject({ HOME: process.env.HOME, PATH: process.env.PATH });
          expect(seen).toMatchObject({
            AWS_SECRET_ACCESS_KEY: 'secret-of-tasks',
            AWS_BATCH_JOB_ID: `${cluster.jobId}#${index}`,
            AWS_REGION: 'local',
          });
          for (const name of ['NOT_DEFINED', 'PYTHONPATH', 'UNLISTED']) expect(seen).not.toHaveProperty(name);
        }
      },
    );

    for (const { user, cannot } of USERS)
      test.skipIf(cannot)(
        `reads no dotfile and no ssh configuration of user ${user}, and leaves nothing there`,
        PATIENCE,
        async ({ aCluster }) => {
          const cluster = await aCluster(COMMANDS, { ...twoNodes, fanout }, user);
          const home = join(cluster.base, 'hostile-home');
          mkdirSync(join(home, '.ssh'), { recursive: true });
          mkdirSync(join(home, '.parallel'));
          const trap = `touch ${cluster.shared}/dotfile-was-read; echo noise; exit 9\n`;
          for (const name of ['.bashrc', '.bash_profile', '.profile', '.zshenv', '.ssh/rc'])
            writeFileSync(join(home, name), trap);
          writeFileSync(join(home, '.ssh/config'), 'Host *\n  Port 1\n  ProxyCommand false\n');
          writeFileSync(join(home, '.ssh/environment'), 'HOSTILE=1\n');
          // GNU parallel on node 0 has to know the user's HOME to hand it on, and then reads its settings there.
          if (fanout === 'pool') writeFileSync(join(home, '.parallel/config'), '--jobs 0 --dry-run\n');
          const before = readdirSync(home, { recursive: true }).toSorted();
          const nodes = cluster.startAll({ HOME: home });
          expect(await Promise.all(nodes.map((node) => node.exited)), nodes[0]?.output()).toEqual([0, 0]);
          expect(environmentOn(cluster, 1)).toMatchObject({ HOME: home });
          expect(environmentOn(cluster, 1)).not.toHaveProperty('HOSTILE');
          expect(readdirSync(home, { recursive: true }).toSorted()).toEqual(before);
          expect(() => readFileSync(join(cluster.shared, 'dotfile-was-read'))).toThrow('ENOENT');
        },
      );
  });
}
