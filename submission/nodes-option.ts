import type { Manifest } from '../experiment/manifest/parse.ts';
import type { FanoutScheme } from '../experiment/plan/plan.ts';
import { counted } from '../experiment/text/numbers.ts';
import type { Edit } from './edit-manifest.ts';

/** `--nodes` and `--fanout`. */
export function changesForOptions(
  { minNodes }: Pick<Manifest, 'minNodes'>,
  { nodes, fanout }: { nodes?: number; fanout?: FanoutScheme },
): Edit[] {
  return [
    ...(nodes === undefined ? [] : [{ path: ['cluster', 'nodes'], value: nodes }]),
    ...(nodes === undefined || minNodes === undefined || minNodes <= nodes
      ? []
      : [{ path: ['minNodes'], value: nodes }]),
    ...(fanout === undefined ? [] : [{ path: ['run', 'fanout'], value: fanout }]),
  ];
}

/** A node here is a process of some 80 MB, an sshd, and its tasks: of a manifest meant for AWS there may be hundreds. */
const MANY_NODES = 16;

/** What there is to say about so many nodes on one machine, before they are started. */
export function remarksOnNodes(
  { cluster }: Pick<Manifest, 'cluster'>,
  { nodes = cluster.nodes }: { nodes?: number },
): string[] {
  return nodes <= MANY_NODES
    ? []
    : [
        `${counted(nodes, 'node')} on this machine need about ${Math.ceil((nodes * 80) / 1024)} GB of memory before their first task: \`--nodes 4\` tries the same with fewer`,
      ];
}
