import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan, SierraWork } from '../../../experiment/plan/plan.ts';
import type { LoopbackCluster, loopbackCluster } from '../../support/loopback-cluster.ts';

/**
 * Does what SIERRA does on hpc.awsbatch as far as the runner sees it: stage 1 makes the batch root and fails where there
 * is one, stage 2 runs the very line over ssh and exits 0 although runs failed, stage 3 takes all that lies in the outputs
 * of an experiment for runs, and fails where there is none; the others say that they ran. Each line of `runs.txt` is a run.
 */
const SIERRA = `#!/bin/bash
set -u
while [ $# -gt 0 ]; do
  case "$1" in
    --sierra-root=*) root="\${1#*=}" ;;
    --nodefile=*) nodefile="\${1#*=}" ;;
    --exec-jobs-per-node=*) jobs="\${1#*=}" ;;
    --exec-resume) resume=--resume-failed ;;
    --exp-overwrite) overwrite=--exp-overwrite ;;
    --breaks-in=*) breaks="\${1#*=}" ;;
    --waits-in=*) waits="\${1#*=}" ;;
    --leaves-in=*) leaves="\${1#*=}" ;;
    --hangs-in=*) hangs="\${1#*=}" ;;
    --loses-list) loses=yes ;;
    --pipeline) shift; stage="$1" ;;
  esac
  shift
done
B="$root/project/controller/scenario/template-criterion"
echo "stage $stage \${resume:-}\${overwrite:-}" >> "$root/../stages"
if [ "$stage" = "\${breaks:-}" ]; then echo "stage $stage is broken" >&2; exit 1; fi
if [ "$stage" = "\${waits:-}" ]; then until [ -e "$root/../go-on" ]; do sleep 0.1; done; fi
if [ "$stage" = "\${leaves:-}" ]; then sleep 600 & fi
if [ "$stage" = "\${hangs:-}" ]; then trap '' TERM; echo "drawing c1-exp0" >&2; while :; do sleep 1; done; fi
case "$stage" in
  1) [ -e "$B/exp-inputs" ] && { echo "FileExistsError: exp-inputs" >&2; exit 1; }
     mkdir -p "$B/exp-inputs" "$B/scratch"; run=0
     while read -r line; do
       mkdir -p "$B/exp-outputs/c1-exp0/template_run\${run}_output"
       echo "first rows" > "$B/exp-outputs/c1-exp0/template_run\${run}_output/rows"
       echo "$line # $B/exp-inputs/c1-exp0/template_run$run.json"; run=$((run + 1))
     done < "$root/runs.txt" > "$B/commands.txt" ;;
  2) export PARALLEL="\${PARALLEL} --env PATH --env LD_LIBRARY_PATH --env PYTHONPATH" PARALLEL_SHELL=/bin/bash
     sort -u "$nodefile" > "$B/$AWS_BATCH_JOB_ID-nodelist.txt"
     cp "$B/commands.txt" "$B/list"; exec < "$B/list"; [ -z "\${loses:-}" ] || rm "$B/list"
     parallel \${resume:-} --jobs "$jobs" --results "$B/scratch" --joblog "$B/scratch/parallel.log" \\
       --sshloginfile "$B/$AWS_BATCH_JOB_ID-nodelist.txt" --workdir "$B/scratch" ;;
  3) ls "$B/exp-outputs/c1-exp0" > "$root/../processed" && [ -s "$root/../processed" ] || exit 1 ;;
esac
exit 0
`;

/** What tells the batch root that the program above makes. */
export const BATCH_ROOT = [
  '--project=project',
  '--controller=controller',
  '--scenario=scenario',
  '--expdef-template=template',
  '--batch-criteria=criterion',
];

/** Where that batch root lies below SIERRA's root. */
export const BELOW_ROOT = 'project/controller/scenario/template-criterion';

/** A cluster of two nodes with the program above as its SIERRA. @param aCluster makes it */
export async function sierraCluster(
  aCluster: typeof loopbackCluster,
  runs: string,
  work: Partial<SierraWork>,
  more: Partial<Plan> = {},
): Promise<LoopbackCluster> {
  const change: Partial<Plan> = {
    cluster: { nodes: 2, vcpus: 2, memoryMiB: 512 },
    minNodes: 2,
    inputs: [{ kind: 'object', bucket: 'bucket', key: 'data/runs.txt', to: 'runs.txt' }],
    environment: { GREETING: 'good  day' },
    work: { kind: 'sierra', args: [], pipeline: [1, 2, 3, 4], onFailedRuns: 'process', ...work },
    ...more,
  };
  const made = await aCluster([], change);
  await made.put('data/runs.txt', runs);
  mkdirSync(join(made.base, 'bin'));
  writeFileSync(join(made.base, 'bin/sierra'), SIERRA);
  chmodSync(join(made.base, 'bin/sierra'), 0o755);
  return made;
}

/** One attempt of all nodes, to its end. */
export async function run(made: LoopbackCluster, attempt = '1') {
  const environment = { PATH: `${made.base}/bin:${process.env.PATH}`, AWS_BATCH_JOB_ATTEMPT: attempt };
  const nodes = made.startAll(environment);
  const codes = await Promise.all(nodes.map((node) => node.exited));
  return { codes, output: nodes[0]?.output() };
}

/** Another plan for the next attempt. */
export async function change(made: LoopbackCluster, to: (plan: Plan) => object): Promise<void> {
  const key = runKeys(made.runId).plan;
  const plan = JSON.parse((await made.text(key)) ?? '') as Plan;
  await made.put(key, JSON.stringify({ ...plan, ...to(plan) }));
}

/** Of a file in the run's folder. */
export function lines(made: LoopbackCluster, name: string): string[] {
  const path = join(made.shared, 'runs', made.runId, name);
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim());
}
