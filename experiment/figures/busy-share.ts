import type { Plan } from '../plan/plan.ts';
import type { NodeRecord } from '../records/nodes.ts';
import { instant } from '../text/instant.ts';
import type { AttemptRecords, Span } from './attempts.ts';
import { attemptStart, lastSpan } from './attempts.ts';
import { keepsEveryTry } from './task-counts.ts';

/** What a node did in the last attempt. Seconds of slots; the share is null where it had none. */
export interface NodeUse {
  /** Tries that began there, those without a row among them. */
  tries: number;
  busySeconds: number;
  /** Its slots × the part of the attempt's tasks' time in which it was there; 0 where not every try is known. */
  slotSeconds: number;
}

/**
 * What each node did while the last attempt's tasks ran, by its index: every try counts, one that was cut off or lost
 * until then. A node has slots from when it joined until it was lost.
 */
export function useOfNodes(
  records: AttemptRecords & { plan: Pick<Plan, 'fanout' | 'retry'> },
): Map<number, NodeUse> {
  const span = lastSpan(records);
  const use = new Map<number, NodeUse>();
  if (span === undefined) return use;
  const { nodes, tasks, progress, plan } = records;
  for (const node of nodes) {
    const slots = keepsEveryTry(plan) ? slotSeconds(node, span) : 0;
    use.set(node.index, { tries: 0, busySeconds: 0, slotSeconds: slots });
  }
  const indexOf = new Map(nodes.map(({ address, index }) => [address, index]));
  const add = (index: number | undefined, from: number, to: number) => {
    const node = use.get(index ?? -1);
    if (node === undefined || from < attemptStart(records)) return;
    node.tries += 1;
    node.busySeconds += overlap(span, from, to);
  };
  const { size, host, start, runtime } = tasks.tries;
  for (let at = 0; at < size; at += 1) {
    const from = (start[at] ?? 0) * 1000;
    add(indexOf.get(tasks.hosts[host[at] ?? 0]), from, from + (runtime[at] ?? 0) * 1000);
  }
  for (const { node, startedAt, endedAt } of progress?.open ?? [])
    add(node, Date.parse(startedAt), Date.parse(endedAt));
  return use;
}

/** Busy slot-seconds ÷ slot-seconds of all nodes together, 0 to 1, to four decimals; null without slots or time. */
export function busyShare(use: ReadonlyMap<number, NodeUse>): number | null {
  let busy = 0;
  let slots = 0;
  for (const node of use.values()) {
    busy += node.busySeconds;
    slots += node.slotSeconds;
  }
  return slots <= 0 ? null : Number(Math.min(1, busy / slots).toFixed(4));
}

function slotSeconds(node: NodeRecord, span: Span): number {
  if (node.state === 'never-came') return 0;
  const to = node.state === 'lost' ? (instant(node.lostAt) ?? span.to) : span.to;
  return node.slots * overlap(span, instant(node.joinedAt) ?? span.from, to);
}

function overlap(span: Span, from: number, to: number): number {
  return Math.max(0, Math.min(span.to, to) - Math.max(span.from, from)) / 1000;
}
