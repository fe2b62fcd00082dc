import type { NodeRecord } from '../records/nodes.ts';
import type { Progress } from '../records/progress.ts';
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
  const starts = [...before.map(({ startedAt }) => instant(startedAt)), instant(progress?.startedAt)];
  const ends = [...before.map(({ tasksEndedAt }) => tasksEndedAt), progress?.tasksEndedAt].map(instant);
  const spans = starts.map((): Span => ({ from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY }));
  const attemptAt = (ms: number) => {
    const next = starts.findIndex((start, at) => at > 0 && start !== undefined && ms < start);
    return next === -1 ? starts.length - 1 : next - 1;
  };
  const widen = (attempt: number, from: number, to: number) => {
    const span = spans[attempt];
    if (span === undefined) return;
    span.from = Math.min(span.from, from);
    span.to = Math.max(span.to, to);
  };
  const { size, start, runtime } = tasks.tries;
  for (let at = 0; at < size; at += 1) {
    const from = (start[at] ?? 0) * 1000;
    widen(attemptAt(from), from, from + (runtime[at] ?? 0) * 1000);
  }
  for (const { startedAt, endedAt } of progress?.open ?? [])
    widen(attemptAt(Date.parse(startedAt)), Date.parse(startedAt), Date.parse(endedAt));
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
  if (spans.length === 0) return null;
  // To the millisecond, as the joblog has its times.
  return Math.round(spans.reduce((sum, { from, to }) => sum + (to - from), 0)) / 1000;
}

/** Nodes that were lost, added up over this run's attempts. */
export function nodesLost({ progress, nodes }: Pick<AttemptRecords, 'progress' | 'nodes'>): number {
  const now =
    nodes.length === 0 ? (progress?.nodes.lost ?? 0) : nodes.filter(({ state }) => state === 'lost').length;
  return (progress?.earlier ?? []).reduce((sum, { nodesLost: lost }) => sum + lost, now);
}
