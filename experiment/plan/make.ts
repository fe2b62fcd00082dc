import { tableFormat } from '../commands/table.ts';
import type { Deployment } from '../deployment/deployment.ts';
import type { Price } from '../deployment/price.ts';
import { priceOfNode } from '../deployment/price.ts';
import type { ManifestSource } from '../layout/run-id.ts';
import { parseS3Url } from '../layout/s3-url.ts';
import type { Manifest } from '../manifest/parse.ts';
import { commandFileOf, resumedRun } from '../manifest/parse.ts';
import type { ResultsPlan } from '../results/result-fields.ts';
import { engineArguments } from '../sierra/arguments.ts';
import { readSierraArguments } from '../sierra/check-arguments.ts';
import { defined } from '../util/defined.ts';
import type { Plan, PlanDesign, PlanInput } from './plan.ts';

const MINUTE = 60;
const HOUR = 3600;

/** What a manifest leaves out. Times in seconds. */
const DEFAULTS = {
  queue: 6 * HOUR,
  join: 10 * MINUTE,
  run: 24 * HOUR,
  process: HOUR,
  taskOutput: 1024,
  finally: HOUR,
} as const;

/** What ingest found out beside the manifest. */
export interface PlanFacts {
  runId: string;
  source: ManifestSource;
  deployment: Deployment;
  /** The run whose folder is used: this run, or for `resume` that of the run it goes on with. */
  folder: string;
  /** The frozen list in the bucket and its number of commands; undefined for SIERRA and for a file that comes with the inputs. */
  frozen?: { key: string; total: number; sha256?: string };
  /** SHA-256 of the design's table, where it is frozen. */
  tableSha256?: string | undefined;
}

/** What a job does, from an accepted manifest. */
export function makePlan(manifest: Manifest, facts: PlanFacts): Plan {
  const { deployment, runId, source, folder } = facts;
  const { cluster, run, retry = {} } = manifest;
  const price = priceOfNode(cluster, deployment);
  const resumed = resumedRun(manifest);
  const vcpus = cluster.vcpus ?? deployment.defaults.vcpus;
  const threadsPerTask = run.threadsPerTask ?? 1;
  const outputs = (manifest.outputs ?? []).map((one) => (typeof one === 'string' ? { path: one } : one));
  const optionalOutputs = outputs.filter(({ optional }) => optional === true).map(({ path }) => path);
  return {
    version: 1,
    runId,
    folder,
    source,
    name: manifest.name,
    cluster: {
      nodes: cluster.nodes,
      vcpus,
      memoryMiB: cluster.memory ?? deployment.defaults.memoryMiB,
      ...defined({
        sharedMemoryMiB: cluster.sharedMemory,
        gpus: cluster.gpus,
        image: cluster.image,
        instanceType: cluster.instanceType,
        queue: cluster.queue,
      }),
    },
    minNodes: manifest.minNodes ?? cluster.nodes,
    slots: run.jobsPerNode ?? Math.max(1, Math.floor(vcpus / threadsPerTask)),
    threadsPerTask,
    // Who says only how many tasks there are at once divides the rest among them.
    threads: run.threadsPerTask ?? Math.max(1, Math.floor(vcpus / (run.jobsPerNode ?? vcpus))),
    fanout: run.fanout ?? 'pool',
    work: workOf(manifest, facts),
    inputs: (manifest.inputs ?? []).map((input) => inputOf(input, deployment.bucket)),
    outputs: outputs.map(({ path }) => path),
    environment: texts(manifest.environment),
    timeouts: limitsOf(manifest),
    price,
    retry: { attempts: retry.attempts ?? 1, tasks: retry.tasks ?? 0 },
    notify: manifest.notify ?? [],
    tags: texts(manifest.tags),
    ...defined({
      optionalOutputs: optionalOutputs.length === 0 ? undefined : optionalOutputs,
      finally: run.finally,
      results: resultsOf(manifest),
      keepOutput: run.keepOutput === 'all' ? ('all' as const) : undefined,
      taskOutputMiB: taskOutputOf(manifest),
      workspace: manifest.workspace,
      resume: resumed?.run,
      keep: resumed?.keep,
      ...budgetOf(manifest.budget, price),
      stopAfter: manifest.stopAfter,
    }),
  };
}

/** GNU parallel alone has no such limit. */
function taskOutputOf({ run, limits = {} }: Manifest): number | undefined {
  return run.fanout === 'stock' ? undefined : (limits.taskOutput ?? DEFAULTS.taskOutput);
}

function limitsOf({ run, timeouts = {} }: Manifest): Plan['timeouts'] {
  return {
    queueSeconds: timeouts.queue ?? DEFAULTS.queue,
    joinSeconds: timeouts.join ?? DEFAULTS.join,
    runSeconds: timeouts.run ?? DEFAULTS.run,
    ...defined({
      taskSeconds: timeouts.task,
      graceSeconds: timeouts.grace,
      processSeconds: run.sierra === undefined ? undefined : (timeouts.process ?? DEFAULTS.process),
      finallySeconds: run.finally === undefined ? undefined : (timeouts.finally ?? DEFAULTS.finally),
    }),
  };
}

/** Dollars become node-hours here, once: whatever judges a budget judges the same number. Where nothing is paid they are never reached. */
function budgetOf(
  { maxNodeHours, usd }: NonNullable<Manifest['budget']> = {},
  price: Price,
): { maxNodeHours?: number | undefined; maxUsd?: number | undefined } {
  const bought =
    usd === undefined || price.kind !== 'known' ? Number.POSITIVE_INFINITY : usd / price.usdAnHour;
  return bought < (maxNodeHours ?? Number.POSITIVE_INFINITY)
    ? { maxNodeHours: bought, maxUsd: usd }
    : { maxNodeHours };
}

function workOf(manifest: Manifest, { frozen, tableSha256 }: PlanFacts): Plan['work'] {
  const { run } = manifest;
  if (run.sierra !== undefined) {
    const { args, pipeline } = readSierraArguments(run.sierra.args ?? []);
    const more = pipeline.includes(1) ? engineArguments(args, run.threadsPerTask ?? 1) : [];
    return {
      kind: 'sierra',
      args: [...args, ...more],
      pipeline,
      onFailedRuns: run.sierra.onFailedRuns ?? 'process',
      ...defined({ minRuns: run.sierra.minRuns }),
    };
  }
  const design = designOf(manifest, tableSha256);
  return {
    kind: 'commands',
    file:
      frozen === undefined
        ? { kind: 'in-work', path: commandFileOf(manifest)?.path ?? '' }
        : { kind: 'frozen', ...frozen },
    ...defined({ design }),
  };
}

/** What the parameters of a manifest's tasks come from; undefined of a list. */
export function designOf({ name, run }: Manifest, sha256: string | undefined): PlanDesign | undefined {
  const { template, matrix, zip, exclude, replicates, table } = run.commands ?? {};
  if (template === undefined) return undefined;
  const format = tableFormat(table ?? '');
  return {
    name,
    template,
    ...defined({
      matrix,
      zip,
      exclude,
      replicates,
      table: format && { format, ...defined({ sha256 }) },
    }),
  };
}

function resultsOf({ results }: Manifest): ResultsPlan | undefined {
  if (results === undefined) return undefined;
  const { json, csv, fields } = results;
  const from = json !== undefined ? 'json' : csv !== undefined ? 'csv' : 'stdout';
  return { from, ...defined({ path: json ?? csv, fields }) };
}

function inputOf({ from, to }: { from: string; to: string }, ownBucket: string): PlanInput {
  const archive = /^inputs\/([0-9a-f]{64})\.tar\.gz$/.exec(from);
  if (archive?.[1] !== undefined)
    return { kind: 'archive', bucket: ownBucket, key: from, sha256: archive[1], to };
  const { bucket, key } = parseS3Url(from) ?? { bucket: ownBucket, key: from };
  return key === '' || key.endsWith('/')
    ? { kind: 'prefix', bucket, prefix: key, to }
    : { kind: 'object', bucket, key, to };
}

function texts(
  values: Readonly<Record<string, string | number | boolean>> | undefined,
): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, String(value)]));
}
