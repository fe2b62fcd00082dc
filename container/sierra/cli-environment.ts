import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { AttemptPart } from '../attempt/attempt.ts';
import type { Cluster } from '../join/cluster.ts';
import { namesInParallel } from '../tasks/variables.ts';
import { shellWord } from '../util/shell-quote.ts';

/** SIERRA lists these itself, unless PARALLEL holds an `=`: then it silently drops what it would append. */
const SIERRA_LISTS = ['PATH', 'LD_LIBRARY_PATH', 'PYTHONPATH'];

/**
 * The environment that SIERRA's commands start in on node 0. SIERRA runs `parallel` itself, so what tasks and our ssh
 * need goes in by GNU parallel's own variables; `shim` is the folder of the `parallel` that stands in front.
 */
export async function sierraEnvironment(
  attempt: AttemptPart<'config' | 'plan' | 'node' | 'folders'>,
  cluster: Cluster,
  shim: string | undefined,
): Promise<Record<string, string>> {
  const { config, plan, node, folders } = attempt;
  const home = join(node.folder, 'parallel');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'will-cite'), '');
  const all = { ...config.variables, ...plan.environment };
  return {
    ...all,
    ...(shim === undefined
      ? {}
      : { PATH: [shim, ...(all.PATH === undefined ? [] : [all.PATH])].join(delimiter) }),
    PARALLEL: parallelOptions(all, plan),
    PARALLEL_HOME: home,
    PARALLEL_SSH: `ssh -F ${shellWord(cluster.sshConfig)}`,
    // As `--nodefile` says too: for a project's own code.
    SIERRA_NODEFILE: folders.nodefile,
    AWS_BATCH_JOB_ID: config.variables.AWS_BATCH_JOB_ID ?? config.jobId,
  };
}

/**
 * PARALLEL with what the manifest asks for after the user's own options. `--env NAME` and `--option value` stand in
 * two words, since an `=` would make SIERRA drop its own list; where the user needs one, that list is here all the same.
 */
export function parallelOptions(
  all: Readonly<Record<string, string>>,
  plan: Pick<Plan, 'environment' | 'retry' | 'timeouts'>,
): string {
  const given = (all.PARALLEL ?? '').replace(/(^|\s)(--[a-z-]+)=([\w,.%:/-]+)(?=\s|$)/g, '$1$2 $3').trim();
  const listed = new Set(namesInParallel(given));
  const names = [...new Set(['HOME', ...SIERRA_LISTS, ...Object.keys(plan.environment)])].filter(
    (name) => !listed.has(name) && !name.startsWith('PARALLEL') && all[name] !== undefined,
  );
  return [
    ...(given === '' ? [] : [given]),
    ...names.map((name) => `--env ${name}`),
    ...(plan.retry.tasks > 0 ? [`--retries ${plan.retry.tasks + 1}`] : []),
    ...(plan.timeouts.taskSeconds === undefined ? [] : [`--timeout ${plan.timeouts.taskSeconds}`]),
  ].join(' ');
}
