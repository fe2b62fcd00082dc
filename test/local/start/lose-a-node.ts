import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { killNode } from '../../../local/nodes/node-processes.ts';
import type { Place } from './npm-start.ts';

/** Tasks that say where they begin, and go on once the gate is open. */
export const GATED = Array.from(
  { length: 16 },
  () => 'echo "$AWS_BATCH_JOB_NODE_INDEX" >> began; until [ -e gate ]; do sleep 0.05; done',
);

/** Kills all of node 2 at once, as the loss of its host does, once it works on two of {@link GATED}; then opens the gate. */
export async function loseNodeTwo(here: Place): Promise<void> {
  const begun = await vi.waitFor(
    () => {
      const [runId = ''] = here.runIds();
      const work = join(here.folder, '.sierra-batch/shared/runs', runId, 'work');
      const nodes = readFileSync(join(work, 'began'), 'utf8').trim().split('\n');
      if (nodes.filter((index) => index === '2').length < 2) throw new Error(`tasks begin on ${nodes}`);
      return { runId, work };
    },
    { timeout: 60_000, interval: 50 },
  );
  const { jobId } = here.json(`runs/${begun.runId}/status.json`) as { jobId: string };
  await killNode(`${jobId}-1-2`);
  writeFileSync(join(begun.work, 'gate'), '');
}
