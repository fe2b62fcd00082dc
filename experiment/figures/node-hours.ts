const HOUR_MS = 3_600_000;

interface Span {
  startedAt?: number | undefined;
  stoppedAt?: number | undefined;
}

/** A job as AWS Batch tells it; times in milliseconds since the epoch. */
export interface JobTimes extends Span {
  status?: string | undefined;
  attempts: readonly Span[];
  /** From 1: the attempt under way, or the last one. */
  attempt?: number | undefined;
}

/**
 * Node-hours of a job: the time of each attempt from its start to its end, added up, × the nodes that were asked for. A node
 * that was released counts until its attempt ends, since nobody proved that it stops billing; boots do not count. All of
 * it is AWS Batch's word, so nothing that a task writes changes it.
 * @param nodes of each attempt
 * @param now milliseconds since the epoch, for the attempt under way
 */
export function nodeHoursOf(job: JobTimes, nodes: number, now: number): number {
  const isOver = job.stoppedAt !== undefined || job.status === 'SUCCEEDED' || job.status === 'FAILED';
  const spans = job.attempts.map(({ startedAt, stoppedAt }, index) => {
    const isLast = index === job.attempts.length - 1;
    return between(startedAt ?? (isLast ? job.startedAt : undefined), stoppedAt ?? job.stoppedAt ?? now);
  });
  // Whether Batch lists an attempt that still runs is not documented.
  const isUnlisted = !isOver && job.status === 'RUNNING' && spans.length < (job.attempt ?? 0);
  if (isUnlisted) spans.push(between(job.startedAt, now));
  return (spans.reduce((sum, ms) => sum + ms, 0) * nodes) / HOUR_MS;
}

/**
 * Node 0's own count of its attempt so far: all its nodes since the first one's runner started, also those that are lost or
 * released and those that never came, since nobody proved that they cost less. It only ends a run; what a run used is by
 * {@link nodeHoursOf}. @param starts of the runners that have joined, milliseconds since the epoch
 */
export function nodeHoursSoFar(starts: readonly number[], nodes: number, now: number): number {
  return starts.length === 0 ? 0 : (between(Math.min(...starts), now) * nodes) / HOUR_MS;
}

function between(from: number | undefined, to: number): number {
  return from === undefined ? 0 : Math.max(0, to - from);
}
