import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FaultRun } from '../../worlds/cluster/faults/fault-run.ts';
import type { NodeImage } from '../../worlds/cluster/machine/node-image.ts';
import { ImageStore } from './image-store.ts';
import { makeStandIns, withCertificates } from './stand-in.ts';

const PROJECT = fileURLToPath(new URL('../../../examples/sierra-project', import.meta.url));
const MINUTES = 60_000;

let store: ImageStore;
let image: NodeImage;

beforeAll(() => {
  store = new ImageStore();
  image = store.unpack(store.npmRunImage(withCertificates(store, makeStandIns(store)), '--sierra'));
}, 20 * MINUTES);

afterAll(() => store.close(), 2 * MINUTES);

it(
  'with SIERRA: a SIERRA experiment from stage 1 to its graphs, on nodes that bring SIERRA themselves',
  async () => {
    const bytes = Number(
      execFileSync('du', ['-s', '--block-size=1', image.root], { encoding: 'utf8' }).split('\t')[0],
    );
    console.log(`with SIERRA: unpacked ${(bytes / 1e6).toFixed(0)} MB`);
    const run = await FaultRun.start({
      nodes: 2,
      image,
      commands: [],
      before: async ({ shared }) => cpSync(PROJECT, join(shared, 'project'), { recursive: true }),
      manifest: {
        cluster: { nodes: 2, vcpus: 2, memory: '2GiB' },
        run: { commands: undefined, sierra: { args: ARGS } },
        environment: { SIERRA_PLUGIN_PATH: '/mnt/efs/project' },
        outputs: ['projects.swarm/'],
      },
    });
    try {
      const { summary } = await run.ended();
      expect(summary).toMatchObject({ outcome: 'succeeded', tasks: { total: 4, succeeded: 4 } });
      const made = readdirSync(run.shared, { recursive: true, encoding: 'utf8' });
      expect(made.filter((path) => /\/graphs\/.*\.png$/.test(path))).not.toEqual([]);
      await run.clean();
    } finally {
      await run.close();
    }
  },
  6 * MINUTES,
);

const ARGS = [
  '--project=projects.swarm',
  '--engine=engines.forage',
  '--expdef=expdef.json',
  '--expdef-template=/mnt/efs/project/template.json',
  '--exp-setup=exp_setup.T20',
  '--controller=foraging.random',
  '--scenario=arena',
  '--batch-criteria',
  'swarm_size.1.9.C2',
  '--n-runs=2',
];
