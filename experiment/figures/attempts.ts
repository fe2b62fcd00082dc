import type { NodeRecord } from '../records/nodes.ts';
import type { LostNode, Progress } from '../records/progress.ts';
import type { Summary } from '../records/summary.ts';
import type { TaskTable } from '../results/task-table.ts';
import { instant } from '../text/instant.ts';

/** In milliseconds since the epoch. */
export interface Span {
  from: number;
  to: number;
}

/** What is known of a run's attempts, from its records. */
export interface AttemptRecords {
  progress?: Progress | undefined;
  nodes: readonly NodeRecord[];
  tasks: TaskTable;
}

/**
 * Of each attempt: from the first task's start to the last one's end, or until what was under way was cut
 * off. From the joblog's rows; where rows are missing (a task was cut, a node lost) the end is what node 0 noted.
 * @returns oldest first; undefined for one that started none
 */
function taskSpans({ progress, tasks }: Pick<AttemptRecords, 'progress' | 'tasks'>): (Span | undefined)[] {
  const before = progress?.earlier ?? [];
  const starts = startsOf(progress);
  const ends = [...before.map(({ tasksEndedAt }) => tasksEndedAt), progress?.tasksEndedAt].map(instant);
  const spans = starts.map((): Span => ({ from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }));
  const widen = (attempt: number, from: number, to: number) => {
    const span = spans[attempt];
    if (span === undefined) return;
    span.from = Math.min(span.from, from);
    span.to = Math.max(span.to, to);
  };
  const { size, start, runtime } = tasks.tries;
  for (let at = 0; at < size; at += 1) {
    const from = (start[at] ?? 0) * 1000;
    widen(placeOf(starts, from), from, from + (runtime[at] ?? 0) * 1000);
  }
  for (const { startedAt, endedAt } of progress?.open ?? [])
    widen(placeOf(starts, Date.parse(startedAt)), Date.parse(startedAt), Date.parse(endedAt));
  const last = starts.length - 1;
  const isWhole = progress === undefined || progress.tasks.total <= tasks.earlier.size + tasks.size;
  ends.forEach((end, at) => {
    const isCut = at < last || !isWhole;
    if (!isCut || end === undefined) return;
    const begun = at === last ? instant(progress?.tasksStartedAt) : undefined;
    const from = Math.min(spans[at]?.from ?? Number.POSITIVE_INFINITY, begun ?? Number.POSITIVE_INFINITY);
    if (from <= end) widen(at, from, end);
  });
  return spans.map((span) => (span.from <= span.to ? span : undefined));
}

/** When the last attempt began, in node 0's time, milliseconds since the epoch: its tries are those that began since. */
export function attemptStart({ progress }: Pick<AttemptRecords, 'progress'>): number {
  return (progress?.earlier ?? []).length === 0
    ? Number.NEGATIVE_INFINITY
    : (instant(progress?.startedAt) ?? Number.NEGATIVE_INFINITY);
}

/** The span of the last attempt's tasks; undefined where it started none. */
export function lastSpan(records: Pick<AttemptRecords, 'progress' | 'tasks'>): Span | undefined {
  return taskSpans(records).at(-1);
}

/** Seconds in which tasks ran, added up over this run's attempts; null where none ran. */
export function runSeconds(records: Pick<AttemptRecords, 'progress' | 'tasks'>): number | null {
  const spans = taskSpans(records).filter((span) => span !== undefined);
  return spans.length === 0 ? null : spans.reduce((sum, span) => sum + msOf(span), 0) / 1000;
}

/** Nodes that an attempt lost, from its roster. */
export function lostOf(nodes: readonly NodeRecord[]): LostNode[] {
  return nodes.flatMap(({ index: node, state, lostAt: at, lostBecause: because = '' }) =>
    state === 'lost' && at !== undefined ? [{ node, at, because }] : [],
  );
}

/** Nodes that were lost, added up over this run's attempts. */
export function nodesLost({ progress, nodes }: Pick<AttemptRecords, 'progress' | 'nodes'>): number {
  const now =
    nodes.length === 0 ? (progress?.nodes.lost ?? 0) : nodes.filter(({ state }) => state === 'lost').length;
  return (progress?.earlier ?? []).reduce((sum, { lost }) => sum + lost.length, now);
}

/**
 * What each attempt did, oldest first: its seconds add up to those of the run, its lost nodes to those lost. A task that
 * ended in two attempts, since it failed in the first, counts in both.
 */
export function attemptsOf(records: AttemptRecords): NonNullable<Summary['attempts']> {
  const { progress, nodes, tasks } = records;
  const starts = startsOf(progress);
  const ended = starts.map(() => new Set<number>());
  for (let at = 0; at < tasks.tries.size; at += 1)
    ended[placeOf(starts, (tasks.tries.start[at] ?? 0) * 1000)]?.add(tasks.tries.seqs[at] ?? 0);
  const told = [
    ...(progress?.earlier ?? []),
    {
      attempt: progress?.attempt ?? 1,
      lost: nodes.length === 0 ? (progress?.lostNodes ?? []) : lostOf(nodes),
      underWay: progress && underWay(progress.tasks),
    },
  ];
  return taskSpans(records).map((span, at) => {
    const { attempt = at + 1, lost = [], underWay: open } = told[at] ?? {};
    return {
      attempt,
      ended: ended[at]?.size ?? 0,
      ...(open === undefined ? {} : { underWay: open }),
      seconds: span === undefined ? null : msOf(span) / 1000,
      lost,
    };
  });
}

/** Tasks that were started and had not ended when this was written. */
export function underWay({ lost, cutOff, running }: Progress['tasks']): number | undefined {
  return lost === undefined || cutOff === undefined ? undefined : lost + cutOff + running;
}

function startsOf(progress: Progress | undefined): (number | undefined)[] {
  return [...(progress?.earlier ?? []), progress].map((attempt) => instant(attempt?.startedAt));
}

/** The place of the attempt in which something began. */
function placeOf(starts: readonly (number | undefined)[], ms: number): number {
  const next = starts.findIndex((start, at) => at > 0 && start !== undefined && ms < start);
  return next === -1 ? starts.length - 1 : next - 1;
}

/** To the millisecond, as the joblog has its times. */
function msOf({ from, to }: Span): number {
  return Math.round(to - from);
}
