import { copyFile, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { endingOf, endingWords } from '../../../experiment/records/ending.ts';
import type { JoblogRow } from '../../../experiment/results/joblog.ts';
import { defined } from '../../../experiment/util/defined.ts';
import { aborted } from '../../../experiment/util/timers.ts';
import type { AttemptPart } from '../../attempt/attempt.ts';
import type { FanoutNode, FanoutRequest, FanoutResult } from '../../fan-out/fan-out.ts';
import { parseNodefile } from '../../fan-out/nodefile.ts';
import { startPool } from '../../fan-out/pool/pool.ts';
import type { Cluster } from '../../join/cluster.ts';
import { FailureWatch } from '../../run/failure-watch.ts';
import { fanoutHooks, followNodes, stopFanout } from '../../run/supervise-fan-out.ts';
import { alreadyDone, renumberRows } from '../../tasks/resume.ts';
import { TaskTally } from '../../tasks/tally.ts';
import { countLines, latin1Lines, textOf } from '../../util/file-lines.ts';
import type { CallAnswer, ParallelCall } from './listen.ts';
import type { SierraLine } from './parse-line.ts';
import { readSierraLine } from './parse-line.ts';
import { commandsThatShareResults } from './result-collisions.ts';

/** What running a line uses of the attempt. */
type LinePart = AttemptPart<
  | 'state'
  | 'roster'
  | 'log'
  | 'ending'
  | 'context'
  | 'config'
  | 'plan'
  | 'termination'
  | 'progress'
  | 'output'
>;

const SAID_FAILURES = 8;

/**
 * Runs SIERRA's own line through the pool: same joblog, results and exit code as GNU parallel would give, and on top
 * what it lacks (tasks of a lost node go to others, nodes may come late).
 */
export class LineInPool {
  /** Whether a line has been taken: then the tally is kept here. */
  taken = false;
  /** How the last line ended: whether the pool itself failed. */
  result: FanoutResult | undefined;
  readonly #attempt: LinePart;
  readonly #cluster: Cluster;
  #running: Promise<unknown> = Promise.resolve();
  #lines = 0;

  constructor(attempt: LinePart, cluster: Cluster) {
    this.#attempt = attempt;
    this.#cluster = cluster;
  }

  /** One call of `parallel`. */
  readonly answer = async (call: ParallelCall, gone: AbortSignal): Promise<CallAnswer> => {
    const { log } = this.#attempt;
    const line = readSierraLine(call.args, call.environment);
    if (line !== undefined && (await isEmptyList(line.nodelist))) {
      log('Sierra:EmptyNodelist', { nodelist: line.nodelist });
      return { kind: 'ended', code: 255, said: [`parallel: ${line.nodelist} names no node`] };
    }
    const named = line === undefined ? undefined : await this.#namedBy(line);
    if (line === undefined || named === undefined || this.#nodesOf(line, named).length === 0) {
      log('Sierra:LeftToGnuParallel', {
        args: call.args.join(' ').slice(0, 500),
        PARALLEL: call.environment.PARALLEL,
      });
      return { kind: 'gnu-parallel' };
    }
    this.taken = true;
    const running = this.#run(line, named, call.commandsFile, gone).catch((error: unknown) =>
      this.#cannotRun(error),
    );
    this.#running = running;
    return running;
  };

  /** Resolves when nothing of a line runs any more. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(
    line: SierraLine,
    named: ReadonlySet<string>,
    commandsFile: string,
    gone: AbortSignal,
  ): Promise<CallAnswer> {
    const { state, log, ending, context } = this.#attempt;
    const request = await this.#request(line, commandsFile);
    const { done, rows } = await this.#resumed(line, request);
    const tally = new TaskTally(request.total, rows);
    state.countTasks(tally, line.results);
    // Only to tell: a list that cannot be read is the pool's to report.
    const sharing = await commandsThatShareResults(request.commandsFile).catch(() => 0);
    if (sharing > 0)
      log('Sierra:ResultsShareFolders', {
        commands: sharing,
        why: 'names of folders are cut at 255 bytes: what these runs write to stdout and stderr overwrites each other; their own results are not touched',
        todo: 'shorter paths, for instance of the project in `inputs`, or a shorter `name` or `workspace`',
      });
    const nodes = this.#nodesOf(line, named);
    log('Sierra:Line', {
      total: request.total,
      done: done.size,
      nodes: nodes.length,
      jobs: line.jobs,
      resumesFailed: line.resumesFailed,
    });
    const watch = new FailureWatch(this.#attempt, tally);
    const running = startPool(context.clock)(
      { ...request, nodes, done },
      fanoutHooks(this.#attempt, this.#cluster, { tally, watch }),
    );
    watch.follow(running);
    state.startTasks(() => running.running());
    followNodes(this.#cluster, running, tally, context.clock);
    const either = AbortSignal.any([gone, ending.signal]);
    const result = await Promise.race([running.result, aborted(either)]);
    const final = result ?? (await stopFanout(this.#attempt, running)) ?? stillRunning(tally);
    state.endTasks();
    this.result = final;
    return { kind: 'ended', code: exitCode(final), said: this.#words(final, tally) };
  }

  /** What the line needs could not be made ready: SIERRA hears of it as of any failure of GNU parallel's own. */
  #cannotRun(error: unknown): CallAnswer {
    const broken = error instanceof Error ? error.message : String(error);
    const storageFailed = error instanceof Error && 'code' in error;
    this.result = { ...NOTHING_DONE, broken, storageFailed };
    return { kind: 'ended', code: 255, said: [`parallel: ${broken}`] };
  }

  /** The addresses in SIERRA's list; undefined when it names a node that never joined, or a user or slots. */
  async #namedBy(line: SierraLine): Promise<ReadonlySet<string> | undefined> {
    const { roster } = this.#attempt;
    try {
      const hosts = parseNodefile(await readFile(line.nodelist, 'utf8'));
      const known = new Set(
        roster.records().flatMap(({ address }) => (address === undefined ? [] : [address])),
      );
      return hosts.every((host) => known.has(host)) ? new Set(hosts) : undefined;
    } catch (error) {
      this.#attempt.log('Sierra:NodelistUnread', { why: String(error) });
      return undefined;
    }
  }

  /** The nodes of the list that are still here, and those that came since it was written. */
  #nodesOf({ jobs }: SierraLine, named: ReadonlySet<string>): FanoutNode[] {
    const { roster } = this.#attempt;
    const late = roster.withState('late');
    return roster
      .live()
      .filter(({ address, index }) => named.has(address) || late.includes(index))
      .map((node) => ({ ...node, slots: jobs }));
  }

  /** The commands under a name that no node has looked up before, so that none reads an older list from its cache. */
  async #request(line: SierraLine, commandsFile: string): Promise<Omit<FanoutRequest, 'nodes'>> {
    this.#lines += 1;
    const { timeouts, cluster, taskOutputMiB } = this.#attempt.plan;
    const scratch = join(this.#cluster.scratch, `sierra-${this.#lines}`);
    await mkdir(scratch, { mode: 0o700 });
    const frozen = join(scratch, 'commands.txt');
    await copyFile(commandsFile, frozen);
    const file = await open(frozen, 'r');
    await file.sync();
    await file.close();
    return {
      commandsFile: frozen,
      total: await countLines(frozen),
      done: new Set(),
      workdir: line.workdir,
      results: line.results,
      joblog: line.joblog,
      scratch,
      sshConfig: this.#cluster.sshConfig,
      environment: line.environment,
      path: this.#attempt.config.variables.PATH ?? '',
      ...(line.taskSeconds === undefined ? {} : { taskSeconds: line.taskSeconds }),
      ...(timeouts.graceSeconds === undefined ? {} : { graceMs: timeouts.graceSeconds * 1000 }),
      ...defined({ outputMiB: taskOutputMiB, gpus: cluster.gpus }),
      taskRetries: line.tries - 1,
    };
  }

  /** Rows that `--resume-failed` need not repeat; without it GNU parallel begins a new joblog. */
  async #resumed(
    line: SierraLine,
    request: Pick<FanoutRequest, 'commandsFile' | 'total'>,
  ): Promise<{ done: ReadonlySet<number>; rows: JoblogRow[] }> {
    if (!line.resumesFailed) {
      await rm(line.joblog, { force: true });
      return { done: new Set(), rows: [] };
    }
    const before = await alreadyDone(line.joblog, request.total, this.#attempt.config.attempt === 1);
    // Another command under the same number has not been run.
    const commands = await linesAt(request.commandsFile, new Set(before.rows.map(({ seq }) => seq)));
    const isAnother = ({ seq, command }: JoblogRow) => commands.get(seq) !== command;
    await renumberRows(line.joblog, (row) => (isAnother(row) ? undefined : row.seq));
    const rows = before.rows.filter((row) => !isAnother(row));
    return { done: new Set(rows.filter(({ seq }) => before.done.has(seq)).map(({ seq }) => seq)), rows };
  }

  /** What SIERRA logs when the line failed. */
  #words(result: FanoutResult, tally: TaskTally): string[] {
    const { failed, unfinished, broken } = result;
    const { taskSeconds } = this.#attempt.plan.timeouts;
    const failures = tally.kept();
    return [
      ...(broken === undefined ? [] : [`parallel: ${broken}`]),
      ...(unfinished === 0 ? [] : [`parallel: ${unfinished} commands were not finished`]),
      ...(failed === 0 ? [] : [`parallel: ${failed} commands failed:`]),
      ...failures
        .slice(0, SAID_FAILURES)
        .map(
          (row) =>
            `${row.seq} on ${row.host}: ${endingWords(endingOf(row, taskSeconds))}: ${row.command.slice(-300)}`,
        ),
    ];
  }
}

/** GNU parallel itself would run everything on node 0, and say nothing. `sort` leaves such a list on full storage. */
async function isEmptyList(nodelist: string): Promise<boolean> {
  const text = await readFile(nodelist, 'utf8').catch(() => undefined);
  return text?.split('\n').every((line) => /^\s*(#|$)/.test(line)) ?? false;
}

const NOTHING_DONE: FanoutResult = { succeeded: 0, failed: 0, unfinished: 0, retried: 0 };

/** Told to end, the pool does not: a connection hangs. The run goes on to its end without it. */
function stillRunning(tally: TaskTally): FanoutResult {
  const { total, succeeded, failed, retried } = tally.counts();
  const unfinished = total - succeeded - failed;
  return {
    succeeded,
    failed,
    unfinished,
    retried: retried ?? 0,
    broken: 'tasks or connections to nodes do not end',
  };
}

/** GNU parallel's own: how many failed, 101 for more than a hundred, 255 when it could not do its work. */
function exitCode({ failed, unfinished, broken }: FanoutResult): number {
  if (broken !== undefined) return 255;
  return Math.min(101, failed + unfinished);
}

/** The lines with these numbers, from 1. */
async function linesAt(file: string, wanted: ReadonlySet<number>): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  if (wanted.size === 0) return found;
  let seq = 0;
  for await (const line of latin1Lines(file, 'counts')) {
    seq += 1;
    if (wanted.has(seq)) found.set(seq, textOf(line));
  }
  return found;
}
