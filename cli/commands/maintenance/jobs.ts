import type { SubmitJobCommandInput } from '@aws-sdk/client-batch';
import { maintenanceKey } from '../../../experiment/layout/bucket-keys.ts';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { MaintenanceRecord } from '../../../experiment/records/maintenance.ts';
import { NOT_THERE, parseMaintenance } from '../../../experiment/records/maintenance.ts';
import { bytesSpoken, counted } from '../../../experiment/text/numbers.ts';
import { plainLine } from '../../../experiment/text/terminal-codes.ts';
import type { Context } from '../../context/context.ts';
import type { LiveSystem, Target } from '../../context/target.ts';
import { CommandFailed } from '../../errors/failure.ts';

/** An instance may have to be started first. */
const ENDS_WITHIN_MS = 60 * 60_000;

/** Submits the jobs and waits for their ends. @param mayMiss folders may be gone already */
export async function runMaintenance(
  context: Context,
  target: Target & { live: LiveSystem },
  requests: readonly SubmitJobCommandInput[],
  { mayMiss = false } = {},
): Promise<number> {
  const { terminal, asJson } = context;
  const batch = await target.live.batch();
  const ids: string[] = [];
  for (const request of requests) ids.push((await batch.submitJob(request)).jobId ?? '');
  context.whenInterrupted(`The work goes on as ${ids.join(', ')}.`);
  const until = context.clock.now() + ENDS_WITHIN_MS;
  for (;;) {
    const { jobs = [] } = await batch.describeJobs({ jobs: ids });
    const ended = jobs.filter(({ status }) => status === 'SUCCEEDED' || status === 'FAILED');
    if (ended.length === ids.length) break;
    if (context.clock.now() > until)
      throw new CommandFailed(`not ended within an hour: ${ids.join(', ')}`, 1);
    await context.clock.sleep(target.lookMs);
  }
  const records = await Promise.all(
    ids.map(async (id) => parseMaintenance(await target.store.text(maintenanceKey(id)))),
  );
  if (asJson) terminal.json(records.map((record, index) => ({ jobId: ids[index], record: record ?? null })));
  else
    for (const [index, record] of records.entries())
      for (const line of record === undefined
        ? [`${ids[index]} has left no record; its log says more`]
        : told(record))
        terminal.say(plainLine(line));
  return records.every((record) => record !== undefined && isDone(record, mayMiss))
    ? EXIT.succeeded
    : EXIT.tasksFailed;
}

function isDone(record: MaintenanceRecord, mayMiss: boolean): boolean {
  return record.kind === 'clean'
    ? record.kept.every(({ why }) => mayMiss && why === NOT_THERE)
    : !('refused' in record.did);
}

/** What a job did, in lines. */
function told(record: MaintenanceRecord): string[] {
  if (record.kind === 'clean') {
    const [removes, keeps] =
      record.dryRun === true ? ['would remove', 'would keep'] : ['removed', 'not removed:'];
    return [
      ...record.freed.map(
        ({ path, files, bytes }) => `${removes} ${path}: ${counted(files, 'file')}, ${bytesSpoken(bytes)}`,
      ),
      ...record.kept.map(({ path, why }) => `${keeps} ${path}: ${why}`),
      ...(record.freed.length + record.kept.length === 0 ? ['There was nothing to remove.'] : []),
    ];
  }
  const { runId, did } = record;
  if ('refused' in did) return [`${runId}: ${did.refused}`];
  return [
    `${runId}: ${counted(did.rows, 'row')} of the joblog and ${counted(did.outputs, 'file')} of outputs are in the bucket`,
    ...(did.unsent > 0 ? [`${counted(did.unsent, 'file')} could not be read or sent; try again`] : []),
    ...did.missing.map((path) => `not there: ${path}`),
  ];
}
