import type { NodeRecord } from '../records/nodes.ts';
import { instant } from '../text/instant.ts';

/** Seconds from when a node joined until it was lost or released; undefined where one of them is not known. */
export function lifeSeconds({
  joinedAt,
  lostAt,
  releasedAt,
}: Pick<NodeRecord, 'joinedAt' | 'lostAt' | 'releasedAt'>): number | undefined {
  const [from, to] = [instant(joinedAt), instant(lostAt ?? releasedAt)];
  return from === undefined || to === undefined || to <= from ? undefined : (to - from) / 1000;
}

/** CPU seconds of a node's cgroup ÷ how long it took part; undefined where one of them is not known. */
export function vcpusAtWork(cpuSeconds: number | undefined, seconds: number | undefined): number | undefined {
  return cpuSeconds === undefined || seconds === undefined ? undefined : cpuSeconds / seconds;
}
