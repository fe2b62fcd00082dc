import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan, SierraWork } from '../../../experiment/plan/plan.ts';
import type { Progress } from '../../../experiment/records/progress.ts';
import type { SierraVersion } from '../../../scripts/install/sierra-venv.ts';
import { sierraVenv } from '../../../scripts/install/sierra-venv.ts';
import type { LoopbackCluster } from '../../support/loopback-cluster.ts';
import { loopbackCluster } from '../../support/loopback-cluster.ts';
import { copyProject } from './project-for.ts';

/** The first installation takes a minute and a half. */
export const INSTALLING = 600_000;

/** The arguments of `examples/sierra.yaml`, smaller. */
export const ARGS: readonly string[] = [
  '--skip-pkg-checks',
  '--project=projects.swarm',
  '--engine=engines.forage',
  '--expdef=expdef.json',
  '--expdef-template=project/template.json',
  '--exp-setup=exp_setup.T20',
  '--controller=foraging.random',
  '--scenario=arena',
  '--batch-criteria',
  'swarm_size.1.9.C2',
  '--n-runs=2',
];

export const BATCH_ROOT = 'projects.swarm/foraging.random/arena/template-swarm_size.1.9.C2';

export interface RealSierra {
  cluster: LoopbackCluster;
  /** SIERRA's root. */
  root: string;
  /** Runs all nodes to their end. */
  run(environment?: Record<string, string>): Promise<{ codes: number[]; output: string }>;
  /** Files below SIERRA's root, relative. */
  files(below: string): string[];
  progress(): Promise<Progress>;
  read(file: string): string;
}

/** Real SIERRA on real nodes of this machine, with the example project in place; on another's shared storage if given. */
export async function realSierra(
  work: Partial<SierraWork> = {},
  change: Partial<Plan> = {},
  before?: RealSierra,
  version: SierraVersion = '1.5.16',
): Promise<RealSierra> {
  const bin = await sierraVenv(version);
  const nodes = change.cluster?.nodes ?? 2;
  const plan: Partial<Plan> = {
    cluster: { nodes, vcpus: 2, memoryMiB: 512 },
    minNodes: nodes,
    work: { kind: 'sierra', args: ARGS, pipeline: [1, 2], onFailedRuns: 'process', ...work },
    outputs: ['projects.swarm/'],
    timeouts: { queueSeconds: 60, joinSeconds: 40, runSeconds: 240 },
    ...change,
    environment: {
      PATH: `${bin}:${process.env.PATH}`,
      SIERRA_PLUGIN_PATH: 'project',
      ...change.environment,
    },
  };
  const cluster = await loopbackCluster([], plan);
  const shared = before?.cluster.shared ?? cluster.shared;
  const runId = change.runId ?? cluster.runId;
  const stored = JSON.parse((await cluster.text(runKeys(cluster.runId).plan)) ?? '{}') as Plan;
  await cluster.put(
    runKeys(runId).plan,
    JSON.stringify({ ...stored, folder: change.folder ?? runId, ...change, ...plan }),
  );
  const root =
    change.workspace === undefined
      ? join(shared, 'runs', change.folder ?? runId, 'work')
      : join(shared, 'workspaces', change.workspace);
  if (!existsSync(join(root, 'project'))) {
    mkdirSync(root, { recursive: true });
    copyProject(join(root, 'project'), version);
  }
  return {
    cluster,
    root,
    async run(environment = {}) {
      const started = cluster.startAll({
        SIERRA_BATCH_RUN: `s3://bucket/runs/${runId}`,
        SIERRA_BATCH_SHARED: shared,
        ...environment,
      });
      const codes = await Promise.all(started.map((node) => node.exited));
      return { codes, output: started.map((node) => node.output()).join('\n') };
    },
    progress: async () => JSON.parse((await cluster.text(runKeys(runId).progress)) ?? '{}') as Progress,
    files: (below) =>
      readdirSync(join(root, below), { recursive: true, encoding: 'utf8', withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)),
    read: (file) => readFileSync(join(root, file), 'utf8'),
  };
}
