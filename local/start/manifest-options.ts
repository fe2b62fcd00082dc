import type { Manifest } from '../../experiment/manifest/parse.ts';
import { renderDuration } from '../../experiment/text/duration.ts';
import type { Edit } from '../../submission/edit-manifest.ts';
import type { FaultName } from '../system/faults.ts';

/** What a fault changes in a manifest, and what there is to say about it. */
export interface ManifestChanges {
  edits: Edit[];
  remarks: string[];
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
