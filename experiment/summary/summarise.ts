import { usdOf } from '../deployment/price.ts';
import type { ByParameter } from '../diagnosis/by-parameter.ts';
import { byParameterClause } from '../diagnosis/by-parameter.ts';
import type { Observed, Sentences } from '../diagnosis/diagnose.ts';
import { diagnose } from '../diagnosis/diagnose.ts';
import { failureSignature, NOT_KEPT } from '../diagnosis/failed-tasks/signature.ts';
import { resultsClause } from '../diagnosis/results-clause.ts';
import { mostThatFit } from '../figures/at-once.ts';
import { attemptsOf, nodesLost, runSeconds } from '../figures/attempts.ts';
import { busyShare, useOfNodes } from '../figures/busy-share.ts';
import type { JobTimes } from '../figures/node-hours.ts';
import { nodeHoursOf } from '../figures/node-hours.ts';
import { taskCounts } from '../figures/task-counts.ts';
import { joinSeconds, queuedSeconds } from '../figures/waits.ts';
import type { Plan } from '../plan/plan.ts';
import type { FailedEnding } from '../records/ending.ts';
import { shellCode } from '../records/ending.ts';
import type { NodeRecord } from '../records/nodes.ts';
import type { Outcome } from '../records/outcome.ts';
import type { Progress } from '../records/progress.ts';
import type { RunState } from '../records/status.ts';
import type { FailureGroup, Summary } from '../records/summary.ts';
import { leftClause, resultsByVersion, versionsClause } from '../results/made-by.ts';
import type { TaskTable } from '../results/task-table.ts';
import type { Version } from '../results/versions.ts';
import { attemptsClause } from './attempts-clause.ts';
import { leftOutClause } from './left-out.ts';

/** What the bucket and Batch hold of an ended run. What was never written is left out. */
export interface SummaryInput<State extends RunState = Outcome> {
  plan: Pick<
    Plan,
    | 'runId'
    | 'cluster'
    | 'fanout'
    | 'slots'
    | 'timeouts'
    | 'retry'
    | 'maxNodeHours'
    | 'maxUsd'
    | 'price'
    | 'work'
  >;
  /** Or the state of a run that goes on. */
  outcome: State;
  /** The last `progress.json`; node 0 may have died before it could write a final one. */
  progress?: Progress | undefined;
  nodes: readonly NodeRecord[];
  tasks: TaskTable;
  /** Oldest first. */
  versions?: readonly Version[] | undefined;
  /** The value of a parameter that failures go with. */
  byParameter?: ByParameter | undefined;
  /** Ends of the stderr of failed tasks, by sequence number; those of `failedToRead` are enough. */
  stderrTails: ReadonlyMap<number, string>;
  /** Attempts oldest first; milliseconds since the epoch. */
  job?: (JobTimes & { createdAt?: number | undefined }) | undefined;
  /** What else is known, for the sentences: the job's words, who stopped it. */
  observed?: Pick<Observed, 'job' | 'stop' | 'waiting' | 'exitCode' | 'outputs'> | undefined;
}

/**
 * What a run came to. Pure: the same input gives the same summary. Each figure is a function of `figures/`.
 */
export function summarise<State extends RunState>(
  input: SummaryInput<State>,
): Omit<Summary, 'outcome'> & { outcome: State } {
  const { plan, outcome, progress, tasks, observed } = input;
  const counts = taskCounts(input);
  const use = useOfNodes(input);
  const made = resultsByVersion(input.versions ?? [], tasks);
  const failures = groupFailures(tasks, input.stderrTails);
  const timings = {
    queuedSeconds: queuedSeconds(input.job),
    joinSeconds: joinSeconds(input),
    runSeconds: runSeconds(input),
  };
  const attempts = attemptsOf(input);
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
    tasksOn: countByNode(tasks),
    nodeHours,
    price: plan.price,
    runSeconds: timings.runSeconds,
    stage: progress?.stage,
    incomplete: progress?.incomplete,
    leftBehind: progress?.leftBehind,
    triedAlone: progress?.triedAlone,
    fit: mostThatFit(tasks),
  });
  return {
    runId: plan.runId,
    outcome,
    exitCode,
    headline,
    why: `${why}${attemptsClause(attempts, { rest: counts.total - counts.before, isOver: outcome === 'succeeded' })}${leftOutClause(input.nodes)}${versionsClause(made)}${leftClause(input.versions ?? [], progress)}${resultsClause(progress?.results)}${byParameterClause(input.byParameter)}`.trimStart(),
    next,
    tasks: counts,
    nodes: input.nodes.map(({ index, address, slots, state }) => {
      const { tries = 0, busySeconds = 0, slotSeconds = 0 } = use.get(index) ?? {};
      const share = slotSeconds > 0 ? Math.min(1, busySeconds / slotSeconds) : null;
      return { index, address: address ?? null, slots, tasks: tries, busySeconds, share, state };
    }),
    timings,
    ...(attempts.length > 1 ? { attempts } : {}),
    nodeHours,
    usd: usdOf(nodeHours, plan.price) ?? null,
    utilisation: busyShare(use),
    failures,
    ...(made.length > 1 ? { madeBy: made } : {}),
    ...(hasMeans(progress) ? { incomplete: progress?.incomplete ?? [] } : {}),
  };
}

function hasMeans(progress: Progress | undefined): boolean {
  return (progress?.incomplete ?? []).length > 0 && (progress?.stage ?? 0) > 2;
}

/** Node 0's progress, if the job's last attempt wrote it: an earlier attempt's reason explains nothing. */
function lastWords({ progress, job }: SummaryInput<RunState>): Progress | undefined {
  return progress !== undefined && progress.attempt >= (job?.attempts.length ?? 0) ? progress : undefined;
}

function countNodes({ plan, progress, nodes }: SummaryInput<RunState>): NonNullable<Observed['nodes']> {
  if (nodes.length === 0) return progress?.nodes ?? { expected: plan.cluster.nodes, joined: 0, lost: 0 };
  return {
    expected: plan.cluster.nodes,
    joined: nodes.filter(({ state }) => state !== 'never-came' && state !== 'lost').length,
    lost: nodesLost({ progress, nodes }),
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

/** How many example failures and groups a summary holds at most; what is over is one last group. */
const GROUPS = 50;
const TAIL = 4000;
/** What nobody kept is not silence. */
const UNREAD = `${NOT_KEPT}what it wrote did not come here)`;

function groupFailures(tasks: TaskTable, stderrTails: ReadonlyMap<number, string>): FailureGroup[] {
  const groups = new Map<string, { group: FailureGroup; hosts: Set<number> }>();
  for (let at = 0; at < tasks.size; at += 1) {
    const ending = tasks.ending[at];
    if (ending === undefined || ending.kind === 'succeeded') continue;
    const failed = failedTask(tasks, at, ending, stderrTails);
    const signature = failureSignature(ending, failed.stderrTail);
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
  ending: FailedEnding,
  stderrTails: ReadonlyMap<number, string>,
): FailureGroup['example'] {
  const seq = tasks.seqs[at] ?? 0;
  return {
    seq,
    command: tasks.commands.get(seq) ?? '',
    node: tasks.hosts[tasks.host[at] ?? 0] ?? '',
    exitval: shellCode(ending),
    end: ending.kind,
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

/** From Batch's times, as the budget is judged; node 0's own count where Batch tells nothing. */
function measureNodeHours({ plan, progress, job }: SummaryInput<RunState>): number {
  const isTold = job?.attempts.every(
    ({ startedAt, stoppedAt }) => (startedAt === undefined) === (stoppedAt === undefined),
  );
  const hours =
    job === undefined || job.attempts.length === 0 || !isTold
      ? (progress?.nodeHours ?? 0)
      : nodeHoursOf(job, plan.cluster.nodes, job.stoppedAt ?? 0);
  return Number(hours.toFixed(6));
}
