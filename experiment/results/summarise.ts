import type { Observed, Sentences } from '../diagnosis/diagnose.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { failureSignature, NOT_KEPT } from '../diagnosis/failed-tasks/signature.ts';
import { usdOf } from '../figures/price.ts';
import type { Plan } from '../plan/plan.ts';
import type { NodeRecord } from '../records/nodes.ts';
import type { Outcome } from '../records/outcome.ts';
import type { Progress, TaskCounts } from '../records/progress.ts';
import type { FailureGroup, Summary } from '../records/summary.ts';
import { leftClause, resultsByVersion, versionsClause } from './made-by.ts';
import type { TaskTable } from './task-table.ts';
import { taskSucceeded } from './task-table.ts';
import type { Version } from './versions.ts';

/** What the bucket and Batch hold of an ended run. What was never written is left out. */
export interface SummaryInput {
  plan: Pick<
    Plan,
    'runId' | 'cluster' | 'slots' | 'timeouts' | 'retry' | 'maxNodeHours' | 'maxUsd' | 'price' | 'work'
  >;
  outcome: Outcome;
  /** The last `progress.json`; node 0 may have died before it could write a final one. */
  progress?: Progress | undefined;
  nodes: readonly NodeRecord[];
  tasks: TaskTable;
  /** Oldest first. */
  versions?: readonly Version[] | undefined;
  /** Ends of the stderr of failed tasks, by sequence number; those of `failedToRead` are enough. */
  stderrTails: ReadonlyMap<number, string>;
  /** Attempts oldest first; milliseconds since the epoch. */
  job?:
    | {
        createdAt?: number | undefined;
        attempts: readonly { startedAt?: number | undefined; stoppedAt?: number | undefined }[];
      }
    | undefined;
  /** What else is known, for the sentences: the job's words, who stopped it. */
  observed?: Pick<Observed, 'job' | 'stop' | 'waiting' | 'exitCode' | 'outputs'> | undefined;
}

/**
 * What a run came to. Pure: the same input gives the same summary. Counts of succeeded and failed tasks come from the
 * joblog alone; retried and lost ones, which it cannot show, from node 0's last progress.
 */
export function summarise(input: SummaryInput): Summary {
  const { plan, outcome, progress, tasks, observed } = input;
  const counts = countTasks(input);
  const made = resultsByVersion(input.versions ?? [], tasks);
  const failures = groupFailures(tasks, input.stderrTails);
  const timings = measureTimings(input);
  const nodeHours = measureNodeHours(input);
  const last = lastWords(input);
  const exitCode = observed?.exitCode ?? last?.exitCode ?? null;
  const { headline, why, next }: Sentences = diagnose({
    ...observed,
    runId: plan.runId,
    state: outcome,
    runner: last?.reason,
    exitCode,
    limits: {
      ...plan.timeouts,
      maxNodeHours: plan.maxNodeHours,
      maxUsd: plan.maxUsd,
      attempts: plan.retry.attempts,
    },
    tasks: counts,
    nodes: countNodes(input),
    failures,
    secondsOf: secondsOf(tasks, new Set(failures.map(({ example }) => example.seq))),
    tasksOn: countByNode(tasks),
    nodeHours,
    price: plan.price,
    runSeconds: timings.runSeconds,
    stage: progress?.stage,
    incomplete: progress?.incomplete,
    leftBehind: progress?.leftBehind,
    triedAlone: progress?.triedAlone,
  });
  return {
    runId: plan.runId,
    outcome,
    exitCode,
    headline,
    why: `${why}${versionsClause(made)}${leftClause(input.versions ?? [], progress)}`.trimStart(),
    next,
    tasks: counts,
    nodes: input.nodes.map(({ index, address, slots, tasks: done, busySeconds, state }) => ({
      index,
      address: address ?? null,
      slots,
      tasks: done,
      busySeconds,
      state,
    })),
    timings,
    nodeHours,
    usd: usdOf(nodeHours, plan.price) ?? null,
    utilisation: measureUtilisation(input),
    failures,
    ...(made.length > 1 ? { madeBy: made } : {}),
    ...(hasMeans(progress) ? { incomplete: progress?.incomplete ?? [] } : {}),
  };
}

function hasMeans(progress: Progress | undefined): boolean {
  return (progress?.incomplete ?? []).length > 0 && (progress?.stage ?? 0) > 2;
}

/** Node 0's progress, if the job's last attempt wrote it: an earlier attempt's reason explains nothing. */
function lastWords({ progress, job }: SummaryInput): Progress | undefined {
  return progress !== undefined && progress.attempt >= (job?.attempts.length ?? 0) ? progress : undefined;
}

function countTasks({ plan, progress, tasks }: SummaryInput): TaskCounts {
  let succeeded = 0;
  for (let at = 0; at < tasks.size; at += 1) if (taskSucceeded(tasks, at)) succeeded += 1;
  const planned =
    plan.work.kind === 'commands' && plan.work.file.kind === 'frozen' ? plan.work.file.total : 0;
  const total = Math.max(planned, progress?.tasks.total ?? 0, tasks.size);
  return {
    total,
    succeeded,
    failed: tasks.size - succeeded,
    retried: progress?.tasks.retried ?? 0,
    lost: Math.min(progress?.tasks.lost ?? 0, total - tasks.size),
    ...(progress?.tasks.notStarted === undefined ? {} : { notStarted: progress.tasks.notStarted }),
  };
}

function countNodes({ plan, progress, nodes }: SummaryInput): NonNullable<Observed['nodes']> {
  if (nodes.length === 0) return progress?.nodes ?? { expected: plan.cluster.nodes, joined: 0, lost: 0 };
  return {
    expected: plan.cluster.nodes,
    joined: nodes.filter(({ state }) => state !== 'never-came').length,
    lost: nodes.filter(({ state }) => state === 'lost').length,
  };
}

function countByNode({ size, host, hosts }: TaskTable): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < size; at += 1) {
    const node = hosts[host[at] ?? 0] ?? '';
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

function secondsOf({ size, seqs, runtime }: TaskTable, wanted: ReadonlySet<number>): Map<number, number> {
  const seconds = new Map<number, number>();
  for (let at = 0; at < size; at += 1) {
    const seq = seqs[at] ?? 0;
    if (wanted.has(seq)) seconds.set(seq, runtime[at] ?? 0);
  }
  return seconds;
}

/** How many example failures and groups a summary holds at most; what is over is one last group. */
const GROUPS = 50;
const TAIL = 4000;
/** What nobody kept is not silence. */
const UNREAD = `${NOT_KEPT}what it wrote did not come here)`;

function groupFailures(tasks: TaskTable, stderrTails: ReadonlyMap<number, string>): FailureGroup[] {
  const groups = new Map<string, { group: FailureGroup; hosts: Set<number> }>();
  for (let at = 0; at < tasks.size; at += 1) {
    if (taskSucceeded(tasks, at)) continue;
    const failed = failedTask(tasks, at, stderrTails);
    const signature = failureSignature(failed);
    const known = groups.get(signature);
    if (known === undefined) {
      groups.set(signature, {
        group: {
          signature,
          count: 1,
          nodes: 1,
          example: { ...failed, stderrTail: failed.stderrTail.slice(-TAIL) },
        },
        hosts: new Set([tasks.host[at] ?? 0]),
      });
      continue;
    }
    known.group.count += 1;
    known.hosts.add(tasks.host[at] ?? 0);
    if (failed.seq < known.group.example.seq && tasks.commands.has(failed.seq)) {
      known.group.example = { ...failed, stderrTail: failed.stderrTail.slice(-TAIL) };
    }
  }
  const sorted = [...groups.values()]
    .map(({ group, hosts }) => ({ ...group, nodes: hosts.size }))
    .sort((a, b) => b.count - a.count || a.example.seq - b.example.seq);
  return sorted.length <= GROUPS
    ? sorted
    : [...sorted.slice(0, GROUPS - 1), restOf(sorted.slice(GROUPS - 1))];
}

function failedTask(
  tasks: TaskTable,
  at: number,
  stderrTails: ReadonlyMap<number, string>,
): FailureGroup['example'] {
  const seq = tasks.seqs[at] ?? 0;
  return {
    seq,
    command: tasks.commands.get(seq) ?? '',
    node: tasks.hosts[tasks.host[at] ?? 0] ?? '',
    exitval: tasks.exitval[at] ?? 0,
    signal: tasks.signal[at] ?? 0,
    stderrTail: stderrTails.get(seq) ?? UNREAD,
  };
}

function restOf(groups: readonly FailureGroup[]): FailureGroup {
  const [first] = groups;
  if (first === undefined) throw new RangeError('restOf needs at least one group');
  return {
    signature: `${groups.length} other kinds of failure`,
    count: groups.reduce((sum, { count }) => sum + count, 0),
    nodes: groups.reduce((most, { nodes }) => Math.max(most, nodes), 0),
    example: first.example,
  };
}

function measureTimings({ progress, tasks, job }: SummaryInput): Summary['timings'] {
  const started = job?.attempts[0]?.startedAt;
  const span = taskSpan(progress, tasks);
  return {
    queuedSeconds: job?.createdAt === undefined ? null : between(job.createdAt, started),
    joinSeconds:
      progress === undefined ? null : between(instant(progress.startedAt), instant(progress.joinedAt)),
    runSeconds: span === undefined ? null : (span.to - span.from) / 1000,
  };
}

/** Job times where Batch told them (that is what is billed), else what node 0 counted. */
function measureNodeHours({ plan, progress, job }: SummaryInput): number {
  const attempts = job?.attempts ?? [];
  const seconds = attempts.map(({ startedAt, stoppedAt }) =>
    startedAt === undefined ? 0 : between(startedAt, stoppedAt),
  );
  const known = seconds.every((one): one is number => one !== null);
  const hours =
    known && seconds.length > 0
      ? (seconds.reduce((sum, one) => sum + (one ?? 0), 0) * plan.cluster.nodes) / 3600
      : (progress?.nodeHours ?? 0);
  return Number(hours.toFixed(6));
}

/** Busy slot-seconds ÷ (slots × run) of the last attempt; a lost node's slots count until it was lost. */
function measureUtilisation({ plan, progress, nodes, tasks }: SummaryInput): number | null {
  const span = taskSpan(progress, tasks);
  if (span === undefined || span.to <= span.from) return null;
  const there = nodes.filter(({ state }) => state !== 'never-came');
  const slotSeconds =
    there.length === 0
      ? (plan.slots * plan.cluster.nodes * (span.to - span.from)) / 1000
      : there.reduce((sum, node) => {
          const from = instant(node.joinedAt) ?? span.from;
          return sum + node.slots * overlap(span, from, instant(node.lostAt) ?? span.to);
        }, 0);
  if (slotSeconds === 0) return null;
  let busy = 0;
  for (let at = 0; at < tasks.size; at += 1) {
    const from = (tasks.start[at] ?? 0) * 1000;
    busy += overlap(span, from, from + (tasks.runtime[at] ?? 0) * 1000);
  }
  return Number(Math.min(1, busy / slotSeconds).toFixed(4));
}

interface Span {
  from: number;
  to: number;
}

/** From the first task's start to the last one's end, in milliseconds: node 0's own times, else the joblog's. */
function taskSpan(progress: Progress | undefined, tasks: TaskTable): Span | undefined {
  const from = instant(progress?.tasksStartedAt);
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (let at = 0; at < tasks.size; at += 1) {
    const start = (tasks.start[at] ?? 0) * 1000;
    first = Math.min(first, start);
    last = Math.max(last, start + (tasks.runtime[at] ?? 0) * 1000);
  }
  const begin = from ?? (first === Number.POSITIVE_INFINITY ? undefined : first);
  const end = instant(progress?.tasksEndedAt) ?? (last === 0 ? undefined : last);
  return begin === undefined || end === undefined ? undefined : { from: begin, to: Math.max(begin, end) };
}

function overlap(span: Span, from: number, to: number): number {
  return Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)) / 1000;
}

function between(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined || !Number.isFinite(from)
    ? null
    : Math.max(0, to - from) / 1000;
}

function instant(time: string | undefined): number | undefined {
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isFinite(at) ? at : undefined;
}
