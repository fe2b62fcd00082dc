import type { NodeRecord } from '../records/nodes.ts';
import { quoted } from '../text/sentence.ts';

/**
 * Nodes that were paid for to the end and took no more tasks, as a sentence to append. Empty where there are none, and
 * where it was every node: then the run ended for that.
 */
export function leftOutClause(nodes: readonly NodeRecord[]): string {
  const left = nodes.filter(({ leftOutBecause }) => leftOutBecause !== undefined);
  const [first] = left;
  if (first === undefined || left.length === nodes.length) return '';
  const said = `said ${quoted(first.leftOutBecause ?? '')}.`;
  return left.length === 1
    ? ` Node ${first.index} took no more tasks: it ${said}`
    : ` ${left.length} nodes took no more tasks: node ${first.index} ${said}`;
}
