import type { Bucket } from '../../aws/bucket.ts';
import { BadList } from '../../experiment/commands/lines.ts';
import { MAX_COMMANDS } from '../../experiment/commands/matrix.ts';
import type { TableFormat } from '../../experiment/commands/table.ts';
import { attemptStart } from '../../experiment/figures/attempts.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import { MAX_PLAN_BYTES, parsePlan } from '../../experiment/plan/plan.ts';
import { plannedTasks } from '../../experiment/plan/planned-tasks.ts';
import { endingOf } from '../../experiment/records/ending.ts';
import type { Load } from '../../experiment/records/load.ts';
import { MAX_LOAD_BYTES, parseLoad } from '../../experiment/records/load.ts';
import type { NodeRecord } from '../../experiment/records/nodes.ts';
import { MAX_NODES_BYTES, parseNodes } from '../../experiment/records/nodes.ts';
import { isOutcome } from '../../experiment/records/outcome.ts';
import type { Progress } from '../../experiment/records/progress.ts';
import { MAX_PROGRESS_BYTES, parseProgress } from '../../experiment/records/progress.ts';
import type { Status } from '../../experiment/records/status.ts';
import { MAX_STATUS_BYTES, parseStatus, statesOf } from '../../experiment/records/status.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { parseJoblogRow } from '../../experiment/results/joblog.ts';
import { lastLines, NotedEndings } from '../../experiment/results/last-lines.ts';
import type { TaskTable } from '../../experiment/results/task-table.ts';
import { failedToRead, TaskTableBuilder } from '../../experiment/results/task-table.ts';
import { sierraRunOf } from '../../experiment/sierra/run-command.ts';
import { summarise } from '../../experiment/summary/summarise.ts';
import type { Clock } from '../../experiment/util/clock.ts';
import type { ReportInput } from '../page/input.ts';
import { describePlan } from '../page/input.ts';
import type { TaskParameters } from '../tasks/parameters.ts';
import { chooseTasks, gatherParameters, MOST_TASKS } from '../tasks/parameters.ts';
import { spanOf } from '../timeline/timeline.ts';
import { GrowingObject } from './growing-object.ts';

/** What is read at once before the first look is answered: a page that is opened late begins with all that is there. */
const FIRST_BYTES = 16 * 1024 * 1024;
/** Failed tasks whose output is read, and so many of them in one look. */
const TAILS = 20;
const TAILS_AT_ONCE = 4;
const MAX_TAIL_BYTES = 64 * 1024;
/** How often the load of nodes is read, and how much of it a second on average. */
const LOAD_SECONDS = 10;
const LOAD_BYTES_A_SECOND = 64 * 1024;
const MAX_HOST_LENGTH = 255;

/** What the bucket holds of a run that goes on. It is read on and on; a joblog only from where it was read to. */
export class RunSoFar {
  readonly #bucket: Bucket;
  readonly #clock: Clock;
  readonly #keys: ReturnType<typeof runKeys>;
  readonly #noted = new NotedEndings();
  readonly #tails = new Map<number, string>();
  #parameters: TaskParameters | undefined;
  /** Of SIERRA's tasks: their experiments, and the runs in them. */
  readonly #runs: string[][] = [[], []];
  /** Failed tasks whose own output was read. */
  readonly #readOutput = new Set<number>();
  readonly #joblog: GrowingObject;
  readonly #lastLines: GrowingObject;
  readonly #rows: TaskTableBuilder;
  readonly #plan: Plan;
  readonly #manifest: string;
  #table: TaskTable;
  #status: Status;
  /** Of the page's time axis: what began before is drawn there. */
  #origin: number | undefined;
  #progress: Progress | undefined;
  #load: Load | undefined;
  #loadNotBefore = 0;
  #nodes: readonly NodeRecord[] = [];
  /** Its joblog was replaced by a shorter one: nothing that was read counts any more. */
  isReplaced = false;
  /** Its report is there. */
  hasEnded = false;

  /** @returns undefined where the run has no plan, or has ended */
  static async open(bucket: Bucket, runId: string, clock: Clock): Promise<RunSoFar | undefined> {
    const keys = runKeys(runId);
    const plan = parsePlan((await bucket.readUntrusted(keys.plan, { maxBytes: MAX_PLAN_BYTES }))?.text);
    if (plan === undefined) return undefined;
    const status = parseStatus(
      (await bucket.readUntrusted(keys.status, { maxBytes: MAX_STATUS_BYTES }))?.text,
    );
    if (status === undefined) return undefined;
    if (isOutcome(status.state) && (await bucket.head(keys.report)) !== undefined) return undefined;
    const manifest = (await bucket.readUntrusted(keys.manifest))?.text ?? '';
    const run = new RunSoFar({ bucket, clock }, status, plan, manifest);
    await run.look(FIRST_BYTES);
    return run;
  }

  private constructor(
    { bucket, clock }: { bucket: Bucket; clock: Clock },
    status: Status,
    plan: Plan,
    manifest: string,
  ) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#status = status;
    this.#keys = runKeys(plan.runId);
    this.#joblog = new GrowingObject(bucket, this.#keys.joblog);
    this.#lastLines = new GrowingObject(bucket, this.#keys.lastLines);
    this.#plan = plan;
    this.#manifest = manifest;
    // Only what goes on with another run's folder is given rows of before.
    const isGoneOn = plan.resume !== undefined || plan.workspace !== undefined;
    this.#rows = new TaskTableBuilder(
      isGoneOn ? Date.parse(status.history[0]?.at ?? '') || undefined : undefined,
      (row) => this.#noted.of(row) ?? endingOf(row, plan.timeouts.taskSeconds),
    );
    this.#table = this.#rows.table();
  }

  get table(): TaskTable {
    return this.#table;
  }

  /** Reads what is new. @param all reads on until nothing is behind, in steps of so many bytes */
  async look(all?: number): Promise<void> {
    const [status, progress, nodes] = await Promise.all([
      this.#text(this.#keys.status, MAX_STATUS_BYTES).then(parseStatus),
      this.#text(this.#keys.progress, MAX_PROGRESS_BYTES).then(parseProgress),
      this.#text(this.#keys.nodes, MAX_NODES_BYTES).then(parseNodes),
    ]);
    this.#status = status ?? this.#status;
    this.#progress = progress ?? this.#progress;
    this.#nodes = nodes ?? this.#nodes;
    if (isOutcome(this.#status.state))
      this.hasEnded = (await this.#bucket.head(this.#keys.report)) !== undefined;
    while ((await this.#readRows(all)) && all !== undefined);
    this.#table = this.#rows.table();
    await this.#readTails();
    await this.#readParameters();
    await this.#readLoad();
  }

  /** All that a report shows, as of now. @param now milliseconds since the epoch */
  input(now: number): ReportInput {
    const [plan, status, progress] = [this.#plan, this.#status, this.#progress];
    const { state } = status;
    this.#origin ??= spanOf({ tasks: this.#table, nodes: this.#nodes })?.from;
    const summary = summarise({
      plan,
      outcome: state,
      progress,
      nodes: this.#nodes,
      tasks: this.#table,
      stderrTails: this.#tails,
    });
    // What settle last said of a run whose tasks run is as old as its last look at it.
    const isOlder = state === 'running' && /^Running/.test(status.headline);
    const { headline, why, next } = isOlder ? summary : status;
    return {
      summary: { ...summary, headline, why, next },
      history: [...statesOf(status), { state, at: new Date(now).toISOString() }],
      nodes: this.#nodes,
      load: this.#load,
      tasks: this.#table,
      outputOf: this.#readOutput,
      attemptStart: attemptStart({ progress }),
      manifest: this.#manifest,
      run: describePlan(plan),
      live: { progress, origin: this.#origin },
      parameters: this.#parameters,
      madeAt: now,
    };
  }

  /** What a row does not say is noted before the row is taken. @returns whether there is more */
  async #readRows(most: number | undefined): Promise<boolean> {
    const hasFailed = (this.#progress?.tasks.failed ?? 0) > 0;
    const said = hasFailed ? await this.#lastLines.lines(most) : undefined;
    for (const line of lastLines((said?.lines ?? []).join('\n'))) {
      this.#noted.add(line);
      if (line.line !== undefined && !this.#readOutput.has(line.seq)) this.#tails.set(line.seq, line.line);
    }
    const read = await this.#joblog.lines(most);
    if (read === undefined) this.isReplaced = true;
    for (const line of read?.lines ?? []) this.#take(line);
    return read?.isBehind === true || said?.isBehind === true;
  }

  #take(line: string): void {
    const row = parseJoblogRow(line);
    if (row !== undefined && row.seq <= MAX_COMMANDS && row.host.length <= MAX_HOST_LENGTH)
      this.#rows.add(row);
    if (row !== undefined && this.#plan.work.kind === 'sierra') this.#noteRun(row);
  }

  /** No more often than it says something new, and a large one not all the time. */
  async #readLoad(): Promise<void> {
    if (this.#clock.now() < this.#loadNotBefore) return;
    const text = (await this.#text(this.#keys.load, MAX_LOAD_BYTES)) ?? '';
    this.#load = parseLoad(text) ?? this.#load;
    const seconds = Math.max(LOAD_SECONDS, this.#load?.seconds ?? 0, text.length / LOAD_BYTES_A_SECOND);
    this.#loadNotBefore = this.#clock.now() + seconds * 1000;
  }

  #noteRun({ seq, command }: JoblogRow): void {
    const { experiment, run } = sierraRunOf(command) ?? {};
    if (experiment === undefined || seq > MOST_TASKS) return;
    this.#parameters ??= { keys: ['experiment', 'run'], columns: this.#runs };
    for (const [at, text] of [experiment, String(run)].entries()) {
      const column = this.#runs[at] ?? [];
      column[seq - 1] = text;
    }
  }

  /** Once, when the first tasks are there: a list that comes with the inputs is known then. SIERRA's are in its rows. */
  async #readParameters(): Promise<void> {
    const { work } = this.#plan;
    if (work.kind === 'sierra' || this.#parameters !== undefined || this.#table.tries.size === 0) return;
    const files = (file: 'commands' | { table: TableFormat }) =>
      this.#bucket.stream(file === 'commands' ? this.#keys.commands : this.#keys.table(file.table));
    const total = Math.max(
      this.#progress?.tasks.total ?? 0,
      work.file.kind === 'frozen' ? work.file.total : 0,
    );
    const gathered = plannedTasks(files, work).then((source) =>
      gatherParameters(source, chooseTasks(this.#table, total)),
    );
    this.#parameters = await gathered.catch((error: unknown) => {
      // A table among the inputs that a task wrote over meanwhile.
      if (error instanceof BadList) return { keys: [], columns: [] };
      throw error;
    });
  }

  /** Node 0 sends the output of the first failed tasks soon after they have ended. */
  async #readTails(): Promise<void> {
    const wanted = failedToRead(this.#table, TAILS).filter((seq) => !this.#readOutput.has(seq));
    for (const seq of wanted.slice(0, TAILS_AT_ONCE)) {
      const tail = await this.#bucket.readUntrusted(this.#keys.taskOutput(seq, 'err'), {
        maxBytes: MAX_TAIL_BYTES,
      });
      if (tail === undefined) continue;
      this.#readOutput.add(seq);
      this.#tails.set(seq, tail.text);
    }
  }

  async #text(key: string, maxBytes: number): Promise<string | undefined> {
    return (await this.#bucket.readUntrusted(key, { maxBytes }))?.text;
  }
}
