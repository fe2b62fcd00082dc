import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SierraWork } from '../../experiment/plan/plan.ts';
import type { RunnerReason } from '../../experiment/records/progress.ts';
import { sierraBatchRoot, suppliedArguments } from '../../experiment/sierra/arguments.ts';
import { placeInSierra } from '../../experiment/sierra/run-command.ts';
import type { Attempt } from '../attempt/attempt.ts';
import { lockBatchRoot } from '../attempt/folder-lock.ts';
import { keepLimits } from '../attempt/limits.ts';
import type { Cluster } from '../join/cluster.ts';
import { beginRun } from '../run/await-nodes.ts';
import { cannotPrepare } from '../run/prepare-failure.ts';
import { prepareInputs } from '../run/prepare-inputs.ts';
import type { MainResult } from '../run/run-on-main.ts';
import { runOnMain } from '../run/run-on-main.ts';
import { brokenBy } from '../run/supervise-fan-out.ts';
import { makeRunFolders } from '../storage/run-folders.ts';
import { TaskTally } from '../tasks/tally.ts';
import { bringBack, keepWholeRuns } from '../tasks/whole-runs.ts';
import { findOnPath } from '../util/find-on-path.ts';
import { checkEngines } from './check-engines.ts';
import { sierraEnvironment } from './cli-environment.ts';
import { newestBatchJoblog } from './find-joblog.ts';
import { findSierra } from './find-program.ts';
import { failedRuns, SierraJoblog } from './follow-joblog.ts';
import { openShim } from './shim/listen.ts';
import { LineInPool } from './shim/run-line.ts';
import type { StageOne } from './stage-one-marker.ts';
import { beginStageOne, markStageOne, stageOneOf } from './stage-one-marker.ts';
import { unevenExperiment } from './uneven-runs.ts';

/** Stages 1 and 2 use all nodes; the later ones run on node 0 once the workers are released. */
const LAST_ON_ALL_NODES = 2;
/** Statistics, and graphs of them; stage 5 compares what these have made. */
const READS_RUNS = [3, 4];

/**
 * A SIERRA experiment: stages 1 and 2 with every node, then 3, 4 and 5 on node 0. Each stage is a command of its own, so
 * that a failure names its stage, and stage 1, which fails on a root that has it, is left out where it has finished.
 * Truth about tasks comes from the joblog: SIERRA exits 0 when runs failed.
 */
export async function runSierra(
  attempt: Attempt,
  work: SierraWork,
  opening: Promise<Cluster>,
): Promise<RunnerReason> {
  const begun = await beginRun(attempt, prepare(attempt, work), opening);
  if (begun.kind === 'ended') return begun.reason;
  attempt.state.enter('running');
  const limits = keepLimits(attempt);
  try {
    return await new Pipeline(attempt, work, begun.cluster, begun.prepared).run();
  } finally {
    limits.stop();
  }
}

/** SIERRA's program, with the run's folder made, ours alone to write, and holding the inputs. */
async function prepare(attempt: Attempt, work: SierraWork): Promise<string> {
  const { plan, folders, log, ending, config } = attempt;
  const program = await findSierra(attempt);
  if (typeof program !== 'string') {
    ending.because({ kind: 'bad-environment', faults: [{ ...program, node: config.index }] });
    return '';
  }
  if (
    work.pipeline.includes(4) &&
    findOnPath(['latex'], plan.environment.PATH ?? config.variables.PATH) === undefined
  )
    log('Sierra:NoLatex', { why: 'stage 4 needs LaTeX unless the project switches `text.usetex` off' });
  try {
    await makeRunFolders(folders, plan.runId);
    const root = sierraBatchRoot(work.args) ?? '';
    const inUse = await lockBatchRoot(attempt, root);
    if (inUse === undefined) {
      const { forget } = await prepareInputs(attempt);
      await forget(join(folders.tasks, root, 'scratch/parallel.log'));
    } else ending.because({ kind: 'bad-environment', faults: [{ ...inUse, node: config.index }] });
  } catch (error) {
    ending.because(cannotPrepare(error, folders.tasks));
  }
  return program;
}

/** The stages of one attempt, one after another. */
class Pipeline {
  readonly #attempt: Attempt;
  readonly #work: SierraWork;
  readonly #cluster: Cluster;
  readonly #program: string;
  readonly #pool: LineInPool;
  readonly #joblog: SierraJoblog;
  /** Below SIERRA's root; empty where the arguments do not tell it. */
  readonly #batchRoot: string;
  #environment: Record<string, string> = {};
  #workersAreHere = true;
  #areRunsJudged = false;
  /** The batch root of the line that stage 2 has run. */
  #rootOfStageTwo: string | undefined;
  /** When `timeouts.process` is over; set as the first of stages 3 to 5 begins. */
  #processEnds: number | undefined;

  constructor(attempt: Attempt, work: SierraWork, cluster: Cluster, program: string) {
    this.#attempt = attempt;
    this.#work = work;
    this.#cluster = cluster;
    this.#program = program;
    this.#pool = new LineInPool(attempt, cluster);
    this.#joblog = new SierraJoblog({ ...attempt, clock: attempt.context.clock }, () => !this.#pool.taken);
    this.#batchRoot = sierraBatchRoot(work.args) ?? '';
  }

  async run(): Promise<RunnerReason> {
    const { ending, plan, node, log, state } = this.#attempt;
    const shim = plan.fanout === 'pool' ? await openShim(node.folder, this.#pool.answer, log) : undefined;
    try {
      this.#environment = await sierraEnvironment(this.#attempt, this.#cluster, shim?.folder);
      const stageOne = await stageOneOf(this.#attempt, this.#work, this.#batchRoot);
      if (typeof stageOne !== 'string')
        return { kind: 'bad-environment', faults: [{ ...stageOne, node: this.#attempt.config.index }] };
      for (const stage of this.#work.pipeline) {
        if (stage === 1 && stageOne === 'done') {
          log('Sierra:Stage:Skipped', { stage, why: 'it has been finished before' });
          continue;
        }
        if (stage > LAST_ON_ALL_NODES) await this.#releaseWorkers();
        const tooFew = READS_RUNS.includes(stage) ? await this.#keepWholeRuns(stage) : undefined;
        if (tooFew !== undefined) return ending.reason ?? tooFew;
        state.startStage(stage);
        const reason = ending.reason ?? (await this.#stage(stage, stageOne));
        if (reason !== undefined) return reason;
      }
      return failedRuns(this.#attempt) ?? { kind: 'succeeded' };
    } finally {
      await this.#pool.ended();
      await shim?.close();
    }
  }

  /** Why the pipeline ends with this stage, or undefined when it goes on. */
  async #stage(stage: number, stageOne: StageOne): Promise<RunnerReason | undefined> {
    const { ending, log, plan, folders, state } = this.#attempt;
    if (stage === 1) await beginStageOne(this.#attempt, this.#work, this.#batchRoot, stageOne);
    if (stage === 2) {
      const commands = join(folders.tasks, this.#batchRoot, 'commands.txt');
      const path = plan.environment.PATH ?? this.#attempt.config.variables.PATH;
      const faults = (await isFile(commands))
        ? await checkEngines(this.#attempt, this.#cluster, commands, path)
        : [];
      if (faults.length > 0) return { kind: 'bad-environment', faults };
      const root = join(folders.tasks, this.#batchRoot);
      const notBack =
        this.#batchRoot === '' ? undefined : await bringBack(root).catch((error: unknown) => error);
      if (notBack !== undefined) return cannotPrepare(notBack, root);
      await this.#joblog.follow();
    }
    log('Sierra:Stage:Started', { stage });
    const result = await runOnMain(this.#attempt, {
      says: 'Sierra',
      program: this.#program,
      args: this.#arguments(stage, stageOne),
      environment: this.#environment,
      limitMs: this.#timeFor(stage),
    });
    if (stage === 2) {
      await this.#pool.ended();
      await this.#joblog.end();
      this.#rootOfStageTwo = dirname(state.snapshot().results);
    }
    log('Sierra:Stage:Ended', { stage, code: result.code });
    if (ending.reason !== undefined) return ending.reason;
    const reason = await this.#judge(stage, result);
    if (reason === undefined && stage === 1)
      await markStageOne(this.#attempt, {
        args: this.#work.args,
        batchRoot: this.#batchRoot,
        state: 'finished',
      });
    return reason;
  }

  async #judge(stage: number, result: MainResult): Promise<RunnerReason | undefined> {
    const { state } = this.#attempt;
    if (stage === 2) {
      const broken = brokenBy(this.#pool.result, this.#attempt);
      if (broken !== undefined) return broken;
      // SIERRA exits 0 although its line could not even start.
      if (state.snapshot().tally === undefined) return this.#failed(stage, result);
      const runs = failedRuns(this.#attempt);
      // With -xstrict SIERRA fails because runs failed, and that is no failure of SIERRA's.
      if (runs !== undefined) return this.#work.onFailedRuns === 'stop' ? runs : undefined;
    }
    return result.code === 0 && !result.isLate ? undefined : this.#failed(stage, result);
  }

  async #failed(stage: number, { code, tail, isLate }: MainResult): Promise<RunnerReason> {
    const { folders, plan } = this.#attempt;
    const files = join(folders.tasks, this.#batchRoot);
    const failed = { kind: 'sierra-failed' as const, stage, exitCode: code, tail, files };
    if (isLate) return { ...failed, limitSeconds: plan.timeouts.processSeconds ?? 0 };
    const root = READS_RUNS.includes(stage) ? await this.#rootOfRuns() : undefined;
    const experiment = root === undefined ? undefined : await unevenExperiment(root, tail);
    return { ...failed, ...placeInSierra(tail), ...(experiment === undefined ? {} : { experiment }) };
  }

  /**
   * Before the first stage that reads what runs have left: the outputs of failed runs leave its way. Answers why that stage
   * is not started, where too few are left.
   */
  async #keepWholeRuns(stage: number): Promise<RunnerReason | undefined> {
    if (this.#areRunsJudged) return undefined;
    this.#areRunsJudged = true;
    const { state, folders, log } = this.#attempt;
    try {
      const root = await this.#rootOfRuns();
      const kept = root === undefined ? undefined : await keepWholeRuns(root);
      if (kept === undefined) {
        log('Sierra:Runs:NotJudged', { root, why: 'there is no joblog of stage 2' });
        return undefined;
      }
      const { unnamed } = kept.runs;
      const minRuns = this.#work.minRuns ?? 1;
      const incomplete = kept.runs.experiments().filter(({ whole, runs }) => whole < Math.max(runs, minRuns));
      state.experimentsJudged(incomplete);
      log('Sierra:Runs:Judged', { root, incomplete, setAside: kept.setAside, unnamed });
      const isEnough = unnamed.failed === 0 && incomplete.every(({ whole }) => whole >= minRuns);
      return isEnough ? undefined : { kind: 'too-few-runs', stage, minRuns, unnamed: unnamed.failed };
    } catch (error) {
      return cannotPrepare(error, folders.tasks);
    }
  }

  /** The batch root whose runs are processed: that of the line that stage 2 ran, else as the arguments tell. */
  async #rootOfRuns(): Promise<string | undefined> {
    const { folders } = this.#attempt;
    if (this.#rootOfStageTwo !== undefined) return this.#rootOfStageTwo;
    if (this.#batchRoot !== '') return join(folders.tasks, this.#batchRoot);
    const newest = await newestBatchJoblog(folders.tasks);
    return newest === undefined ? undefined : dirname(dirname(newest.path));
  }

  /** Milliseconds that a stage may take; undefined where only `timeouts.run` ends it. */
  #timeFor(stage: number): number | undefined {
    const { plan, context } = this.#attempt;
    const { processSeconds } = plan.timeouts;
    if (stage <= LAST_ON_ALL_NODES || processSeconds === undefined) return undefined;
    const now = context.clock.now();
    this.#processEnds ??= now + processSeconds * 1000;
    return this.#processEnds - now;
  }

  async #releaseWorkers(): Promise<void> {
    if (!this.#workersAreHere) return;
    this.#workersAreHere = false;
    const { state, context } = this.#attempt;
    state.endTasks(context.clock.now());
    // A run of stages 3 to 5 alone has no task and yet an outcome, and outputs to send.
    if (state.snapshot().tally === undefined) state.countTasks(new TaskTally(0, []));
    await this.#cluster.release(4000);
  }

  /** The line of one stage: the user's arguments, and what hpc.awsbatch needs from us. */
  #arguments(stage: number, stageOne: StageOne): string[] {
    const { folders, plan, config } = this.#attempt;
    const { args, pipeline } = this.#work;
    const goesOn = pipeline.includes(1)
      ? stageOne === 'done'
      : plan.resume !== undefined || config.attempt > 1;
    return [
      ...args,
      ...suppliedArguments({
        root: folders.tasks,
        nodefile: folders.nodefile,
        jobsPerNode: plan.slots,
      }),
      ...(stage === 1 && stageOne === 'overwrite' && !args.includes('--exp-overwrite')
        ? ['--exp-overwrite']
        : []),
      ...(stage === 2 && goesOn && !args.includes('--exec-resume') ? ['--exec-resume'] : []),
      '--pipeline',
      String(stage),
    ];
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
