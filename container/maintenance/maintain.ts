import { Bucket, JSON_TYPE } from '../../aws/bucket.ts';
import type { MaintenanceOrder } from '../../experiment/batch/maintenance-job.ts';
import { ORDER_VARIABLE, readOrder } from '../../experiment/batch/maintenance-job.ts';
import { maintenanceKey } from '../../experiment/layout/bucket-keys.ts';
import type { ExitCode } from '../../experiment/records/exit-code.ts';
import { EXIT } from '../../experiment/records/exit-code.ts';
import type { MaintenanceRecord, MaintenanceResult } from '../../experiment/records/maintenance.ts';
import { withDeadline } from '../../experiment/util/timers.ts';
import { checkShared } from '../node/checks.ts';
import { Reader } from '../process/environment.ts';
import type { RunnerContext } from '../process/live.ts';
import { makeNodeLog } from '../process/log.ts';
import { untilSent } from '../transfer/retry-send.ts';
import { clean } from './clean.ts';
import type { MaintenanceContext } from './context.ts';
import { salvage } from './salvage.ts';

/** S3 may be away for so long before what was done stays untold. */
const TELL_MS = 10 * 60_000;

/**
 * The runner's other mode: one node, no fence, no join, only storage and the bucket. Its last act is to write what it
 * did. Ends with 0; 1 when something could not be done; 2 when the order or the place is wrong.
 */
export async function doOrder(context: RunnerContext, write: (line: string) => void): Promise<ExitCode> {
  const { s3, clock, makeNonce } = context;
  const { log } = makeNodeLog(0, write);
  const read = readPlace(context.env);
  if (!read.ok) {
    for (const why of read.faults) log('Order:Bad', { why });
    return EXIT.badEnvironment;
  }
  const { shared, jobId, order } = read;
  const bucket = new Bucket(s3, read.bucket, clock);
  const faults: string[] = [];
  const inContainer = context.env.AWS_ENDPOINT_URL_S3 === undefined;
  await checkShared({ shared, inContainer, index: 0 }, (check, what, todo) =>
    faults.push(`${check}: ${what}; ${todo}`),
  );
  if (faults.length > 0) {
    for (const why of faults) log('Order:Bad', { why });
    return EXIT.badEnvironment;
  }
  log('Order:Begun', { ...order });
  const around: MaintenanceContext = { s3, clock, makeNonce, bucket, shared, log };
  try {
    const { exitCode, did } = await perform(around, order);
    const record: MaintenanceRecord = { jobId, at: new Date(clock.now()).toISOString(), ...did };
    const text = JSON.stringify(record, undefined, 1);
    const put = () => bucket.write(maintenanceKey(jobId), text, JSON_TYPE);
    await withDeadline(clock, TELL_MS, (signal) => untilSent(put, clock, signal));
    log('Order:Done', { ...did, exitCode });
    return exitCode;
  } catch (error) {
    log('Order:Failed', { why: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return EXIT.tasksFailed;
  }
}

async function perform(
  around: MaintenanceContext,
  order: MaintenanceOrder,
): Promise<{ exitCode: ExitCode; did: MaintenanceResult }> {
  if (order.kind === 'salvage') {
    const did = await salvage(around, order.runId);
    const exitCode =
      'refused' in did ? EXIT.badEnvironment : did.unsent > 0 ? EXIT.tasksFailed : EXIT.succeeded;
    return { exitCode, did: { kind: 'salvage', runId: order.runId, did } };
  }
  const { freed, kept } = await clean(around, order);
  return {
    exitCode: kept.length > 0 ? EXIT.tasksFailed : EXIT.succeeded,
    did: { kind: 'clean', ...(order.dryRun === true ? { dryRun: true as const } : {}), freed, kept },
  };
}

type Place =
  | { ok: true; bucket: string; shared: string; jobId: string; order: MaintenanceOrder }
  | { ok: false; faults: readonly string[] };

function readPlace(env: RunnerContext['env']): Place {
  const reader = new Reader(env);
  const submitted = 'orders are submitted by `sierra-batch collect` and `sierra-batch clean`';
  const bucket = reader.matching('SIERRA_BATCH_BUCKET', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, submitted);
  const shared = reader.matching('SIERRA_BATCH_SHARED', /^\/[^\0\n"]*[^/\0\n"]$/, submitted);
  const job = reader.matching('AWS_BATCH_JOB_ID', /^[A-Za-z0-9-]{1,60}(#\d+)?$/, submitted);
  const order = readOrder(env[ORDER_VARIABLE] ?? '');
  const faults = reader.faults.map(({ what, todo }) => `${what}; ${todo}`);
  if (!order.ok) return { ok: false, faults: [...faults, `${ORDER_VARIABLE}: ${order.why}; ${submitted}`] };
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, bucket, shared, jobId: job.replace(/#\d+$/, ''), order: order.order };
}
