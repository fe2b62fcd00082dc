import type { Bucket } from '../../aws/bucket.ts';
import { HTML_TYPE, onlyOver } from '../../aws/bucket.ts';
import { messageOf, nameOf } from '../../aws/errors.ts';
import { RUNS_PAGE_KEY } from '../../experiment/layout/bucket-keys.ts';
import { asRunIndex, runsToRead, updatedIndex } from '../../experiment/run-list/page-index.ts';
import { dataOfRunsPage, renderRunsPage } from '../../report/runs-page.ts';
import type { FunctionDeps } from '../deps.ts';
import { listRuns, readRunRows } from '../stores/run-rows.ts';

/** Each copy that is too late reads again; one of those that write at once always gets through. */
const TRIES = 10;

/**
 * Writes the page of runs anew when a run has ended. The page holds its own records, so that only this run, those that
 * went on and those that it does not know are read. It is written only over the page that was read: of two runs that end
 * at once neither loses its row. A page that could not be written is told and holds nothing up: the next one catches up.
 */
export async function rewriteRunsPage(deps: FunctionDeps, bucket: Bucket, runId: string): Promise<void> {
  try {
    for (let tried = 1; tried <= TRIES; tried += 1) {
      if (await rewriteOnce(deps, bucket, runId)) return;
      await deps.clock.sleep(20 * 2 ** Math.min(tried, 6));
    }
    deps.logger.warn('RunsPage:NotWritten', { runId, why: `other copies wrote it ${TRIES} times meanwhile` });
  } catch (error) {
    deps.logger.warn('RunsPage:NotWritten', { runId, error: nameOf(error), why: messageOf(error) });
  }
}

async function rewriteOnce(deps: FunctionDeps, bucket: Bucket, runId: string): Promise<boolean> {
  const stored = await bucket.readUntrusted(RUNS_PAGE_KEY);
  const index = asRunIndex(dataOfRunsPage(stored?.text ?? ''));
  const listed = await listRuns(bucket);
  const rows = await readRunRows(bucket, runsToRead(runId, index, listed));
  const { rows: shown, older } = updatedIndex(index, rows, listed);
  const page = renderRunsPage({
    rows: shown,
    older,
    bucket: bucket.name,
    madeAt: deps.clock.now(),
  });
  return bucket.writeIf(RUNS_PAGE_KEY, page, onlyOver(stored), HTML_TYPE);
}
