import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import type { Plan, SierraWork } from '../../../experiment/plan/plan.ts';
import { parseJoblog } from '../../../experiment/results/joblog.ts';
import type { LoopbackCluster } from '../../support/loopback-cluster.ts';
import { loopbackCluster } from '../../support/loopback-cluster.ts';

let cluster: LoopbackCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

const PATIENCE = { timeout: 60_000 };

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
const BATCH_ROOT = [
  '--project=project',
  '--controller=controller',
  '--scenario=scenario',
  '--expdef-template=template',
  '--batch-criteria=criterion',
];

const BELOW_ROOT = 'project/controller/scenario/template-criterion';

async function sierraCluster(
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
  const made = await loopbackCluster([], change);
  await made.put('data/runs.txt', runs);
  mkdirSync(join(made.base, 'bin'));
  writeFileSync(join(made.base, 'bin/sierra'), SIERRA);
  chmodSync(join(made.base, 'bin/sierra'), 0o755);
  cluster = made;
  return made;
}

async function run(made: LoopbackCluster, attempt = '1') {
  const environment = { PATH: `${made.base}/bin:${process.env.PATH}`, AWS_BATCH_JOB_ATTEMPT: attempt };
  const nodes = made.startAll(environment);
  const codes = await Promise.all(nodes.map((node) => node.exited));
  return { codes, output: nodes[0]?.output() };
}

async function change(made: LoopbackCluster, to: (plan: Plan) => object): Promise<void> {
  const key = runKeys(made.runId).plan;
  const plan = JSON.parse((await made.text(key)) ?? '') as Plan;
  await made.put(key, JSON.stringify({ ...plan, ...to(plan) }));
}

function lines(name: string): string[] {
  const path = join(cluster?.shared ?? '', 'runs/test-run-0123456789a', name);
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim());
}

function sshProcessesTo(address: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
        return words[0] === 'ssh' && words.includes(address);
      } catch {
        return false; // it ended meanwhile
      }
    })
    .map(Number);
}

describe('a SIERRA experiment', () => {
  it('runs stage 2 on all nodes, and the later ones once the workers are gone', PATIENCE, async () => {
    const runs = 'echo "$GREETING" "$AWS_BATCH_JOB_NODE_INDEX" >> "$HOME_OF_TEST/said"; sleep 0.3\n'.repeat(
      8,
    );
    const made = await sierraCluster(runs.replaceAll('$HOME_OF_TEST', '../../../../../..'), {});
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([0, 0]);
    expect(lines('stages')).toEqual(['stage 1', 'stage 2', 'stage 3', 'stage 4']);
    expect(new Set(lines('said'))).toEqual(new Set(['good  day 0', 'good  day 1']));
    expect((await made.progress()).tasks).toMatchObject({ total: 8, succeeded: 8 });
    expect(parseJoblog((await made.text(runKeys(made.runId).joblog)) ?? '')).toHaveLength(8);
    expect(made.leftovers()).toEqual([]);
  });

  it('uses in stage 2 a node that came while stage 1 was run', PATIENCE, async () => {
    const late: Partial<Plan> = {
      minNodes: 1,
      timeouts: { queueSeconds: 60, joinSeconds: 2, runSeconds: 60 },
    };
    const runs = 'echo "$AWS_BATCH_JOB_NODE_INDEX" >> ../../../../../../said; sleep 0.5\n'.repeat(8);
    const made = await sierraCluster(runs, { args: ['--waits-in=1'], pipeline: [1, 2] }, late);
    const environment = { PATH: `${made.base}/bin:${process.env.PATH}` };
    const main = made.start(0, environment);
    await main.event('Sierra:Stage:Started');
    const worker = made.start(1, environment);
    await expect
      .poll(() => main.output(), { timeout: 20_000 })
      .toContain('"late":true,"event":"Node:Joined"');
    writeFileSync(join(made.shared, 'runs/test-run-0123456789a/go-on'), '');
    expect(await main.exited, main.output()).toBe(0);
    expect(await worker.exited).toBe(0);
    expect(new Set(lines('said'))).toEqual(new Set(['0', '1']));
  });

  it('tells failed runs although SIERRA exits 0, and processes the others alone', PATIENCE, async () => {
    const outputs = [`${BELOW_ROOT}/exp-outputs`];
    const made = await sierraCluster('true\necho why >&2; exit 3\n', { args: BATCH_ROOT }, { outputs });
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([1, 0]);
    const progress = await made.progress();
    expect(progress.reason).toEqual({ kind: 'tasks-failed', failed: 1, lost: 0 });
    expect(progress.incomplete).toEqual([{ experiment: 'c1-exp0', whole: 1, runs: 2 }]);
    expect(await made.text(runKeys(made.runId).taskOutput(2, 'err'))).toBe('why\n');
    expect(lines('stages')).toContain('stage 4');
    expect(lines('processed')).toEqual(['template_run0_output']);
    const index = JSON.parse((await made.text(runKeys(made.runId).outputIndex)) ?? '{}');
    expect(index.missing).toEqual([]);
    expect(index.files.map(({ path }: { path: string }) => path).sort()).toEqual([
      `${BELOW_ROOT}/exp-failed/c1-exp0/template_run1_output/rows`,
      `${BELOW_ROOT}/exp-outputs/c1-exp0/template_run0_output/rows`,
    ]);
  });

  it('of which all runs failed says so with 1, and does not try stage 3', PATIENCE, async () => {
    const made = await sierraCluster('false\nfalse\n', {});
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([1, 0]);
    expect(lines('stages')).toEqual(['stage 1', 'stage 2']);
    const { reason, incomplete } = await made.progress();
    expect(reason).toEqual({ kind: 'too-few-runs', stage: 3, minRuns: 1, unnamed: 0 });
    expect(incomplete).toEqual([{ experiment: 'c1-exp0', whole: 0, runs: 2 }]);
  });

  it(
    'with fewer whole runs than `minRuns` ends with 1 before stage 3; resumed, all come back',
    PATIENCE,
    async () => {
      const runs = 'true\n[ -e ../../../../../../mended ]\n';
      const made = await sierraCluster(runs, { args: BATCH_ROOT, minRuns: 2 });
      expect((await run(made)).codes).toEqual([1, 0]);
      expect((await made.progress()).reason).toMatchObject({ kind: 'too-few-runs', minRuns: 2 });
      expect(lines('stages')).toEqual(['stage 1', 'stage 2']);
      expect(existsSync(join(made.shared, `runs/${made.runId}/work/${BELOW_ROOT}/exp-failed/c1-exp0`))).toBe(
        true,
      );
      writeFileSync(join(made.shared, `runs/${made.runId}/mended`), '');
      const again = await run(made, '2');
      expect(again.codes[0], again.output).toBe(0);
      expect(lines('processed')).toEqual(['template_run0_output', 'template_run1_output']);
      expect((await made.progress()).incomplete).toBeUndefined();
      expect(existsSync(join(made.shared, `runs/${made.runId}/work/${BELOW_ROOT}/exp-failed`))).toBe(false);
    },
  );

  it('that has fewer runs than `minRuns` at all ends with 1 before stage 3', PATIENCE, async () => {
    const made = await sierraCluster('true\n', { minRuns: 2 });
    expect((await run(made)).codes).toEqual([1, 0]);
    const { reason, incomplete } = await made.progress();
    expect(reason).toMatchObject({ kind: 'too-few-runs', minRuns: 2 });
    expect(incomplete).toEqual([{ experiment: 'c1-exp0', whole: 1, runs: 1 }]);
  });

  it('whose stage 4 hangs is ended after `timeouts.process`, with 5 and the stage', PATIENCE, async () => {
    const timeouts = { queueSeconds: 60, joinSeconds: 30, runSeconds: 60, processSeconds: 3 };
    const made = await sierraCluster('true\n', { args: ['--hangs-in=4'] }, { timeouts });
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([5, 0]);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 4, limitSeconds: 3 });
    expect(reason).not.toHaveProperty('experiment');
    expect(made.leftovers()).toEqual([]);
  });

  it('may begin its runs with a program in the folder that they start in', PATIENCE, async () => {
    const args = BATCH_ROOT;
    const made = await sierraCluster('../../../../../engine run-1\n', { args, pipeline: [1, 2] });
    const root = join(made.shared, 'runs', made.runId, 'work');
    mkdirSync(root, { recursive: true });
    writeFileSync(join(root, 'engine'), '#!/bin/sh\n', { mode: 0o755 });
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([0, 0]);
  });

  it('stops before stage 3 where the manifest says so', PATIENCE, async () => {
    const made = await sierraCluster('false\n', { onFailedRuns: 'stop' });
    expect((await run(made)).codes).toEqual([1, 0]);
    expect(lines('stages')).toEqual(['stage 1', 'stage 2']);
  });

  it('that breaks outside its tasks ends with 5 and names the stage', PATIENCE, async () => {
    const made = await sierraCluster('true\n', { args: ['--breaks-in=3'] });
    expect((await run(made)).codes[0]).toBe(5);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'sierra-failed', stage: 3, exitCode: 1 });
    expect(JSON.stringify(reason)).toContain('stage 3 is broken');
  });

  it('whose input is not in S3 says so, and does not blame shared storage', PATIENCE, async () => {
    const made = await sierraCluster('true\n', {});
    const inputs = [{ kind: 'object', bucket: 'bucket', key: 'data/nothing.txt', to: 'runs.txt' }];
    await change(made, () => ({ inputs }));
    const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
    expect(await main?.exited, main?.output()).toBe(2);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({
      kind: 'bad-plan',
      what: expect.stringContaining('s3://bucket/data/nothing.txt'),
    });
  });

  it('whose list of commands cannot be read is told as that', PATIENCE, async () => {
    const made = await sierraCluster('true\n', { args: ['--loses-list'] });
    expect((await run(made)).codes[0]).toBe(2);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'storage-failed', what: expect.stringMatching(/^ENOENT.*list/) });
  });

  it('is over when SIERRA is, whatever it left running in the background', PATIENCE, async () => {
    const made = await sierraCluster('true\n', { args: ['--leaves-in=3'] });
    const { codes, output } = await run(made);
    expect(codes, output).toEqual([0, 0]);
    expect(lines('stages')).toContain('stage 4');
    expect(made.leftovers()).toEqual([]);
  });

  it('ends in time although the connection to a node does not', PATIENCE, async () => {
    const made = await sierraCluster('sleep 60\n'.repeat(4), {});
    const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
    await main?.event('Sierra:Line');
    const connections = () => sshProcessesTo(made.address(1));
    await expect.poll(connections, { timeout: 20_000 }).toHaveLength(1);
    const [connection = 0] = connections();
    process.kill(connection, 'SIGSTOP');
    main?.child.kill('SIGTERM');
    const code = await main?.exited;
    process.kill(connection, 'SIGKILL');
    expect(code, main?.output()).toBe(143);
    expect((await made.progress()).reason).toEqual({ kind: 'terminated', signal: 'SIGTERM' });
  });

  it('that is retried leaves stage 1 out and resumes stage 2', PATIENCE, async () => {
    const made = await sierraCluster(
      'echo once >> ../../../../../../once\n[ -e ../../../../../../once2 ]\n',
      {
        onFailedRuns: 'stop',
      },
    );
    expect((await run(made)).codes[0]).toBe(1);
    writeFileSync(join(made.shared, 'runs/test-run-0123456789a/once2'), '');
    const again = await run(made, '2');
    expect(again.codes[0], again.output).toBe(0);
    expect(lines('once')).toEqual(['once']);
    expect(lines('stages')).toEqual(['stage 1', 'stage 2', 'stage 2 --resume-failed', 'stage 3', 'stage 4']);
  });

  it('tried again never overwrites what another run has made in its workspace', PATIENCE, async () => {
    const made = await sierraCluster('true\n', { args: BATCH_ROOT }, { workspace: 'w' });
    const others = join(
      made.shared,
      'workspaces/w/project/controller/scenario/template-criterion/exp-inputs',
    );
    mkdirSync(others, { recursive: true });
    expect((await run(made)).codes[0]).toBe(5);
    expect((await run(made, '2')).codes[0]).toBe(5);
    const stages = readFileSync(join(made.shared, 'workspaces/stages'), 'utf8');
    expect(stages).toBe('stage 1 \nstage 1 \n');
  });

  it('that goes on with inputs of other arguments is refused, and says which', PATIENCE, async () => {
    const made = await sierraCluster('false\n', { args: ['--n-runs=4'], onFailedRuns: 'stop' });
    expect((await run(made)).codes[0]).toBe(1);
    await change(made, ({ work }) => ({ work: { ...work, args: ['--n-runs', '8'] } }));
    expect((await run(made, '2')).codes[0]).toBe(2);
    const { reason } = await made.progress();
    expect(reason).toMatchObject({ kind: 'bad-environment', faults: [{ check: 'stage-1-made-otherwise' }] });
    expect(JSON.stringify(reason)).toContain('was made with --n-runs=4, and this manifest has --n-runs=8');
    expect(lines('stages')).toEqual(['stage 1', 'stage 2']);
  });

  it('with a SIERRA that has no awsbatch plugin ends with 2, and says so', PATIENCE, async () => {
    const made = await sierraCluster('true\n', {});
    // The interpreter of SIERRA's own first line is asked; this one finds nothing.
    const python = join(made.base, 'bin/python3');
    writeFileSync(python, '#!/bin/sh\nexit 3\n');
    chmodSync(python, 0o755);
    writeFileSync(join(made.base, 'bin/sierra'), `#!${python}\n`);
    const [main] = made.startAll({ PATH: `${made.base}/bin:${process.env.PATH}` });
    expect(await main?.exited).toBe(2);
    expect((await made.progress()).reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ check: 'no-awsbatch-plugin', todo: expect.stringMatching(/1\.5\.8 or later/) }],
    });
  });

  it('in a folder whose path has a blank ends with 2: SIERRA would write elsewhere', PATIENCE, async () => {
    const made = await sierraCluster('true\n', {});
    const shared = join(made.base, 'my shared');
    mkdirSync(shared);
    const [main] = made.startAll({
      PATH: `${made.base}/bin:${process.env.PATH}`,
      SIERRA_BATCH_SHARED: shared,
    });
    expect(await main?.exited).toBe(2);
    expect((await made.progress()).reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ check: 'path-not-for-sierra', what: expect.stringContaining(shared) }],
    });
    expect(existsSync(join(made.base, 'my'))).toBe(false);
  });

  it('without SIERRA in the image ends with 2', PATIENCE, async () => {
    const made = await sierraCluster('true\n', {});
    const [main] = made.startAll();
    expect(await main?.exited).toBe(2);
    expect((await made.progress()).reason).toMatchObject({
      kind: 'bad-environment',
      faults: [{ check: 'no-sierra' }],
    });
  });
});
