import type { Manifest } from '../../experiment/manifest/parse.ts';
import type { FanoutScheme } from '../../experiment/plan/plan.ts';
import { renderDuration } from '../../experiment/text/duration.ts';
import { counted } from '../../experiment/text/numbers.ts';
import type { Edit } from '../../submission/edit-manifest.ts';
import type { FaultName } from '../system/faults.ts';

/** What the command line changes in a manifest, and what there is to say about it. */
export interface ManifestChanges {
  edits: Edit[];
  remarks: string[];
}

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

/** Two of the faults make a run wait; nobody wants to watch that for hours. */
const SHORT_WAITS = {
  'stuck-runnable': { limit: 'queue', seconds: 15 },
  'worker-never-comes': { limit: 'join', seconds: 15 },
} as const;

/** What a fault needs of the manifest: a task that really fails, or an end that can be waited for. */
export function changesForFault(manifest: Manifest, fault: FaultName | undefined): ManifestChanges {
  if (fault === 'failing-task') return failingTasks(manifest);
  if (fault !== 'stuck-runnable' && fault !== 'worker-never-comes') return { edits: [], remarks: [] };
  const { limit, seconds } = SHORT_WAITS[fault];
  if ((manifest.timeouts?.[limit] ?? Number.POSITIVE_INFINITY) <= seconds) return { edits: [], remarks: [] };
  return {
    edits: [{ path: ['timeouts', limit], value: renderDuration(seconds) }],
    remarks: [`--fault ${fault}: timeouts.${limit} is ${seconds} s in this run, so that you see how it ends`],
  };
}

const FAIL =
  'if [ $((PARALLEL_SEQ % 7)) = 1 ]; then echo "task $PARALLEL_SEQ: asked to fail" >&2; exit 3; fi; ';

/** Tasks 1, 8, 15 … really fail, saying why. */
function failingTasks({ run: { commands } }: Manifest): ManifestChanges {
  if (commands?.template !== undefined)
    return {
      edits: [{ path: ['run', 'commands', 'template'], value: FAIL + commands.template }],
      remarks: [],
    };
  if (commands?.list !== undefined)
    return {
      edits: commands.list.map((command, index) => ({
        path: ['run', 'commands', 'list', index],
        value: FAIL + command,
      })),
      remarks: [],
    };
  return {
    edits: [],
    remarks: [
      '--fault failing-task changes the commands of a template or a list; here there is neither, so no task fails on purpose',
    ],
  };
}
