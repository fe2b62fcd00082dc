import { accessSync, constants } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { renderNodefile } from '../experiment/nodefile.ts';
import type { SierraWork } from '../experiment/plan.ts';
import type { CheckFault, RunnerReason } from '../experiment/runner-records.ts';
import type { Attempt } from './attempt.ts';
import type { Cluster } from './cluster.ts';
import { commandOutput } from './command-output.ts';
import { writeDurably } from './durable-file.ts';
import { bringInputs } from './inputs.ts';
import { makeRunFolders } from './run-folders.ts';
import { keepLimits } from './run-limits.ts';
import { SierraJoblog } from './sierra-joblog.ts';
import type { StageResult } from './sierra-stage.ts';
import { runStage } from './sierra-stage.ts';
import { namesInParallel } from './task-environment.ts';

/** Stages that use all nodes; the others run on node 0 once the workers are released. */
const ON_ALL_NODES = new Set([1, 2]);

/**
 * A SIERRA experiment: stages 1 and 2 with every node, then 3, 4 and 5 on node 0. Each stage is a command of its own, so
 * that a failure names its stage, and stage 1, which fails on a root that has it, is left out where it has finished.
 * Truth about tasks comes from GNU parallel's joblog: SIERRA exits 0 when runs failed.
 */
export async function runSierra(
  attempt: Attempt,
  work: SierraWork,
  cluster: Promise<Cluster>,
): Promise<RunnerReason> {
  const { ending, progress, surroundings, roster } = attempt;
  const preparing = prepare(attempt);
  const here = cluster.then(async (opened) => {
    await opened.gathered();
    return opened;
  });
  const both = await Promise.race([Promise.all([preparing, here]), ending.promise]);
  if (ending.reason !== undefined || 'kind' in both)
    return ending.reason ?? { kind: 'internal', what: 'nothing was prepared' };
  const [program, opened] = both;
  await opened.writeNodefile(renderNodefile(roster.live().map(({ address: host }) => ({ host }))));
  const now = surroundings.clock.now();
  progress.joinedAt = now;
  progress.tasksStartedAt = now;
  progress.enter('running');
  const limits = keepLimits(attempt);
  try {
    return await runStages(attempt, work, opened, program);
  } finally {
    limits.stop();
  }
}

async function prepare(attempt: Attempt): Promise<string> {
  const { surroundings, plan, folders, log, ending, config } = attempt;
  const program = await findSierra(attempt);
  if (typeof program !== 'string') {
    ending.because({ kind: 'bad-environment', faults: [{ ...program, node: config.index }] });
    return '';
  }
  try {
    await makeRunFolders(folders);
    await bringInputs(surroundings.s3, plan.inputs, folders, log);
  } catch (error) {
    ending.because({ kind: 'storage-failed', what: String(error), path: folders.tasks });
  }
  return program;
}

async function runStages(
  attempt: Attempt,
  work: SierraWork,
  cluster: Cluster,
  program: string,
): Promise<RunnerReason> {
  const { ending, progress, surroundings, log } = attempt;
  const environment = await sierraEnvironment(attempt, cluster);
  const joblog = new SierraJoblog(attempt);
  const goesOn = await hasFinishedStageOne(attempt);
  let workersAreHere = true;
  for (const stage of work.pipeline) {
    if (ending.reason !== undefined) return ending.reason;
    if (stage === 1 && goesOn) {
      log('Sierra:Stage:Skipped', { stage, why: 'an earlier attempt has finished it' });
      continue;
    }
    if (workersAreHere && !ON_ALL_NODES.has(stage)) {
      workersAreHere = false;
      progress.tasksEndedAt = surroundings.clock.now();
      await cluster.release(4000);
    }
    progress.stage = stage;
    log('Sierra:Stage:Started', { stage });
    if (stage === 2) joblog.follow();
    const result = await runStage(
      attempt,
      program,
      sierraArguments(attempt, work, stage, goesOn),
      environment,
    );
    if (stage === 2) await joblog.end();
    if (ending.reason !== undefined) return ending.reason;
    const reason = judge(stage, result, joblog, work);
    if (reason !== undefined) return reason;
    if (stage === 1) await writeDurably(stageOneMark(attempt), 'finished\n');
  }
  return joblog.reason() ?? { kind: 'succeeded' };
}

/** Why the pipeline ends here, or undefined when it goes on. */
function judge(
  stage: number,
  result: StageResult,
  joblog: SierraJoblog,
  work: SierraWork,
): RunnerReason | undefined {
  const tasksFailed = stage === 2 ? joblog.reason() : undefined;
  if (tasksFailed !== undefined && work.onFailedRuns === 'stop') return tasksFailed;
  // With -xstrict SIERRA fails because runs failed, and that is no failure of SIERRA's.
  if (result.code === 0 || tasksFailed !== undefined) return undefined;
  return { kind: 'sierra-failed', stage, exitCode: result.code, tail: result.tail };
}

/** The line of one stage: the user's arguments, and what hpc.awsbatch needs from us. */
function sierraArguments(
  { folders, plan }: Attempt,
  work: SierraWork,
  stage: number,
  goesOn: boolean,
): string[] {
  const resumes = stage === 2 && goesOn && !work.args.includes('--exec-resume');
  return [
    ...work.args,
    '--execenv=hpc.awsbatch',
    `--sierra-root=${folders.tasks}`,
    `--nodefile=${folders.nodefile}`,
    `--exec-jobs-per-node=${plan.slots}`,
    '--exec-parallelism-paradigm=per-batch',
    ...(resumes ? ['--exec-resume'] : []),
    '--pipeline',
    String(stage),
  ];
}

/**
 * SIERRA runs `parallel` itself, so what tasks and our ssh need goes in by GNU parallel's own variables. Names only after
 * `--env`, joined by blanks: with an `=` in PARALLEL, SIERRA silently drops what it would append.
 */
async function sierraEnvironment(attempt: Attempt, cluster: Cluster): Promise<Record<string, string>> {
  const { config, plan, node } = attempt;
  const home = join(node.folder, 'parallel');
  await mkdir(home, { recursive: true, mode: 0o700 });
  await writeFile(join(home, 'will-cite'), '');
  const all = { ...config.variables, ...plan.environment };
  const options = all.PARALLEL ?? '';
  const listed = new Set(namesInParallel(options));
  const names = ['HOME', ...Object.keys(plan.environment)].filter(
    (name) => !listed.has(name) && name !== 'PARALLEL' && all[name] !== undefined,
  );
  const more = names.map((name) => `--env ${name}`);
  if (plan.retry.tasks > 0) more.push(`--retries ${plan.retry.tasks + 1}`);
  if (plan.timeouts.taskSeconds !== undefined) more.push(`--timeout ${plan.timeouts.taskSeconds}`);
  return {
    ...all,
    PARALLEL: [options, ...more].filter((part) => part !== '').join(' '),
    PARALLEL_HOME: home,
    PARALLEL_SSH: `ssh -F ${cluster.sshConfig}`,
    AWS_BATCH_JOB_ID: config.variables.AWS_BATCH_JOB_ID ?? config.jobId,
  };
}

/** `sierra` (1.5.16) or `sierra-cli` (before it) on the manifest's PATH, with its awsbatch plugin. */
async function findSierra({ config, plan }: Attempt): Promise<string | Omit<CheckFault, 'node'>> {
  const environment = { ...config.variables, ...plan.environment };
  const program = ['sierra', 'sierra-cli']
    .flatMap((name) => (environment.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find(isExecutable);
  if (program === undefined)
    return {
      check: 'no-sierra',
      what: `there is no sierra and no sierra-cli on PATH (${environment.PATH ?? ''})`,
      todo: 'install sierra-research in the image, or give `environment.PATH` of the manifest its virtual environment',
    };
  // The interpreter named in the script's first line is the one that has SIERRA's packages.
  const [first = ''] = (await readFile(program, 'latin1')).split('\n', 1);
  const python = /^#!\s*(\S*python\S*)/.exec(first)?.[1];
  if (python === undefined) return program;
  const asked = await commandOutput(
    python,
    [
      '-c',
      'import importlib.util, sys; sys.exit(0 if importlib.util.find_spec("sierra.plugins.execenv.hpc.awsbatch") or importlib.util.find_spec("sierra.plugins.hpc.awsbatch") else 3)',
    ],
    { timeoutMs: 60_000, env: environment },
  );
  if (asked.code !== 3) return program;
  return {
    check: 'no-awsbatch-plugin',
    what: `${program} has no plugin hpc.awsbatch`,
    todo: 'install sierra-research 1.5.8 or later',
  };
}

function stageOneMark({ folders }: Attempt): string {
  return join(folders.run, 'sierra-stage-1');
}

async function hasFinishedStageOne(attempt: Attempt): Promise<boolean> {
  return stat(stageOneMark(attempt)).then(
    () => true,
    () => false,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
