import type { NodeRecord } from '../../../experiment/records/nodes.ts';

/** How long a node took part, in seconds; undefined where that is not known. */
export function lifeSeconds({
  joinedAt,
  lostAt,
  releasedAt,
}: Pick<NodeRecord, 'joinedAt' | 'lostAt' | 'releasedAt'>): number | undefined {
  const seconds = (Date.parse(lostAt ?? releasedAt ?? '') - Date.parse(joinedAt ?? '')) / 1000;
  return seconds > 0 ? seconds : undefined;
}

/** vCPUs that were at work in a node on average, from its cgroup; undefined where that was not measured. */
export function vcpusUsed(node: NodeRecord): number | undefined {
  const seconds = lifeSeconds(node);
  return node.cpuSeconds === undefined || seconds === undefined ? undefined : node.cpuSeconds / seconds;
}
