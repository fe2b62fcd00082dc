import type { EvaluateOnExit, SubmitJobCommandInput } from '@aws-sdk/client-batch';
import * as z from 'zod';
import type { Deployment } from '../deployment/deployment.ts';
import { isRunId } from '../layout/run-id.ts';
import { RUN_TAG } from './submit-request.ts';

/**
 * Work on shared storage outside of any run: one-node jobs of the stack's own definition, submitted by an operator's
 * command line. They take no `owner.json`, so they touch a run only when it has ended, which the runner checks again.
 * What came of one is in `maintenance/<job-id>.json` once the job has ended; after a salvage
 * settle has summary and report made again.
 */
export type MaintenanceOrder = SalvageOrder | CleanOrder;

/** Joblog, failed tasks' output and outputs of a run whose node 0 was lost, from shared storage to the bucket. */
interface SalvageOrder {
  kind: 'salvage';
  runId: string;
}

/** Frees shared storage: folders of ended runs, of workspaces, and what has not changed for so long. */
export interface CleanOrder {
  kind: 'clean';
  runIds: readonly string[];
  workspaces: readonly string[];
  /** Folders of ended runs and unpacked inputs that have not changed for so long. */
  olderThanSeconds?: number | undefined;
  /** Only says what would go. */
  dryRun?: true | undefined;
}

export type MaintenanceDeployment = Pick<
  Deployment,
  'bucket' | 'jobDefinition' | 'queues' | 'defaultQueue' | 'sharedFolder' | 'extraEnvironment'
>;

/** The runner's environment variable that makes it do an order instead of running an experiment. */
export const ORDER_VARIABLE = 'SIERRA_BATCH_ORDER';

const NAME = { salvage: 'salvage_', clean: 'clean_' } as const;
const WITHIN_SECONDS = 6 * 3600;
const AGAIN_ON_A_LOST_HOST: EvaluateOnExit[] = [
  { onStatusReason: 'Host EC2*', action: 'RETRY' },
  { onReason: '*', action: 'EXIT' },
];
/** ECS takes 8,192 characters of overrides for a container; so many run ids of full length stay under it. */
const RUNS_A_JOB = 80;

/** The request for the job that salvages a run. */
export function salvageJobRequest(runId: string, deployment: MaintenanceDeployment): SubmitJobCommandInput {
  return jobRequest(`${NAME.salvage}${runId}`, { kind: 'salvage', runId }, deployment);
}

/** The requests for the jobs that clean: several where many runs are named. @param nonce letters and digits, at most 100 */
export function cleanJobRequests(
  order: Omit<CleanOrder, 'kind'>,
  deployment: MaintenanceDeployment,
  nonce: string,
): SubmitJobCommandInput[] {
  const { runIds, ...others } = order;
  const rest = Array.from({ length: Math.ceil(runIds.length / RUNS_A_JOB) }, (_, index) =>
    runIds.slice(index * RUNS_A_JOB, (index + 1) * RUNS_A_JOB),
  );
  const [first = [], ...further] = rest;
  return [
    { kind: 'clean' as const, ...others, runIds: first },
    ...further.map((ids) => ({
      kind: 'clean' as const,
      workspaces: [],
      runIds: ids,
      dryRun: others.dryRun,
    })),
  ].map((each, index) => jobRequest(`${NAME.clean}${nonce}-${index}`, each, deployment));
}

/** The run whose salvage a job of this name is; undefined for every other name. */
export function salvagedRun(jobName: string): string | undefined {
  const runId = jobName.startsWith(NAME.salvage) ? jobName.slice(NAME.salvage.length) : '';
  return isRunId(runId) ? runId : undefined;
}

const runId = z.string().refine(isRunId, { error: 'is not a run id' });
const order = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('salvage'), runId }),
  z.strictObject({
    kind: z.literal('clean'),
    runIds: z.array(runId),
    workspaces: z.array(z.string().regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, { error: 'is not a workspace' })),
    olderThanSeconds: z.number().positive().optional(),
    dryRun: z.literal(true).optional(),
  }),
]);

/** Reads {@link ORDER_VARIABLE}: what the job is to do, or what is wrong with it. */
export function readOrder(text: string): { ok: true; order: MaintenanceOrder } | { ok: false; why: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, why: 'not JSON' };
  }
  const read = order.safeParse(value);
  return read.success ? { ok: true, order: read.data } : { ok: false, why: z.prettifyError(read.error) };
}

function jobRequest(
  jobName: string,
  todo: MaintenanceOrder,
  deployment: MaintenanceDeployment,
): SubmitJobCommandInput {
  const queue = deployment.queues[deployment.defaultQueue];
  const variables = {
    [ORDER_VARIABLE]: JSON.stringify(todo),
    SIERRA_BATCH_BUCKET: deployment.bucket,
    SIERRA_BATCH_SHARED: deployment.sharedFolder,
    ...deployment.extraEnvironment,
  };
  const environment = Object.entries(variables).map(([name, value]) => ({ name, value }));
  return {
    jobName,
    jobQueue: queue?.arn ?? deployment.defaultQueue,
    ...(queue?.fairShare === true ? { shareIdentifier: 'maintenance', schedulingPriorityOverride: 0 } : {}),
    jobDefinition: deployment.jobDefinition,
    tags: { [RUN_TAG]: jobName },
    nodeOverrides: {
      numNodes: 1,
      nodePropertyOverrides: [{ targetNodes: '0:', containerOverrides: { environment } }],
    },
    retryStrategy: { attempts: 2, evaluateOnExit: AGAIN_ON_A_LOST_HOST },
    timeout: { attemptDurationSeconds: WITHIN_SECONDS },
    propagateTags: true,
  };
}
