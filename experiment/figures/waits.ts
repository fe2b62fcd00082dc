import type { NodeRecord } from '../records/nodes.ts';
import type { Progress } from '../records/progress.ts';
import { instant } from '../text/instant.ts';
import type { JobTimes } from './node-hours.ts';

/** Seconds until the job's first attempt began, by AWS Batch; null where it never did. */
export function queuedSeconds(
  job: (JobTimes & { createdAt?: number | undefined }) | undefined,
): number | null {
  return between(job?.createdAt, job?.attempts[0]?.startedAt);
}

/**
 * Seconds from node 0's start until the last node that was waited for had joined; where one never came, until node 0 went
 * on without it. What node 0 prepares beside it, its inputs, is no joining.
 */
export function joinSeconds({
  progress,
  nodes,
}: {
  progress?: Progress | undefined;
  nodes: readonly NodeRecord[];
}): number | null {
  const wentOn = instant(progress?.joinedAt);
  const joined = nodes.flatMap(({ joinedAt }) => instant(joinedAt) ?? []).filter((at) => at <= (wentOn ?? 0));
  const isWhole = joined.length > 0 && nodes.every(({ state }) => state !== 'never-came');
  return between(instant(progress?.startedAt), isWhole ? Math.max(...joined) : wentOn);
}

function between(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.max(0, to - from) / 1000;
}
