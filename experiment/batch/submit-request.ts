import { createHash } from 'node:crypto';
import type { EvaluateOnExit, ResourceRequirement, SubmitJobCommandInput } from '@aws-sdk/client-batch';
import type { Deployment } from '../deployment/deployment.ts';
import { runKeys } from '../layout/bucket-keys.ts';
import { nameOfRun } from '../layout/run-id.ts';
import type { Plan } from '../plan/plan.ts';
import { attemptSeconds } from '../plan/time-limits.ts';
import { EXIT } from '../records/exit-code.ts';

/** The tags by which a job is found again; by the first its roles end jobs, and no others of the account. */
export const RUN_TAG = 'sierra-batch:run';
const NONCE_TAG = 'sierra-batch:nonce';

/** All nodes: the definition has one open range, and an override's target must be the same text. */
const ALL_NODES = '0:';

/** Batch knows at most 500 active shares in a queue: half of them, so that others may use it as well. */
const SHARES = 250;

/** The definition tells what the stack's own hosts give a container to end; hosts of other queues give it ECS's 30 s. */
const OTHERS_STOP_SECONDS = '30';

/** The first rule that holds decides, and no rule holding means retry: the last one holds always. */
const RETRY_RULES: EvaluateOnExit[] = [
  { onExitCode: String(EXIT.tooFewJoined), action: 'RETRY' },
  { onExitCode: String(EXIT.tooManyLost), action: 'RETRY' },
  { onStatusReason: 'Host EC2*', action: 'RETRY' },
  { onReason: '*', action: 'EXIT' },
];

/** What tells one submission from another, and its plan from any that was written over it. */
export interface Submission {
  nonce: string;
  /** Of plan.json; undefined for a run that an earlier version took. */
  planSha256: string | undefined;
}

/**
 * The request for a plan's multi-node job. It holds next to nothing of the manifest: the runner reads plan.json, so the
 * request stays far under Batch's 30 KiB and shows no secret to whoever may describe jobs.
 */
export function submitJobRequest(
  plan: Plan,
  deployment: Deployment,
  { nonce, planSha256 }: Submission,
): SubmitJobCommandInput {
  const { cluster } = plan;
  const name = cluster.queue ?? deployment.defaultQueue;
  const queue = Object.hasOwn(deployment.queues, name) ? deployment.queues[name] : undefined;
  return {
    jobName: plan.runId,
    jobQueue: queue?.arn ?? name,
    // Batch refuses either without the other, and both in a queue of first in, first out.
    ...(queue?.fairShare === true ? { shareIdentifier: shareOf(plan), schedulingPriorityOverride: 0 } : {}),
    jobDefinition: deployment.jobDefinition,
    nodeOverrides: {
      numNodes: cluster.nodes,
      nodePropertyOverrides: [
        {
          targetNodes: ALL_NODES,
          containerOverrides: {
            environment: environmentOf(plan, { ...deployment, planSha256 }, name === deployment.defaultQueue),
            resourceRequirements: resourcesOf(plan),
            // Not the range's own `instanceTypes`: those are refused beside a container.
            ...(cluster.instanceType === undefined ? {} : { instanceType: cluster.instanceType }),
          },
        },
      ],
    },
    retryStrategy: { attempts: plan.retry.attempts, evaluateOnExit: RETRY_RULES },
    timeout: { attemptDurationSeconds: attemptSeconds(plan.timeouts) },
    tags: { ...plan.tags, [RUN_TAG]: plan.runId, [NONCE_TAG]: nonce },
    propagateTags: true,
  };
}

/**
 * Whose turn counts: of the project that a manifest's tags name, else of the manifest's name, so that a sweep dropped a
 * thousand times waits behind itself and hardly anybody else: two in {@link SHARES} have one turn together.
 */
function shareOf(plan: Plan): string {
  const whose = plan.tags.project ?? nameOfRun(plan.runId);
  return `share${createHash('sha256').update(whose).digest().readUInt32BE() % SHARES}`;
}

function environmentOf(
  plan: Plan,
  deployment: Deployment & Pick<Submission, 'planSha256'>,
  isOwnQueue: boolean,
) {
  const variables = {
    SIERRA_BATCH_RUN: `s3://${deployment.bucket}/${runKeys(plan.runId).folder.replace(/\/$/, '')}`,
    ...(deployment.planSha256 === undefined ? {} : { SIERRA_BATCH_PLAN_SHA256: deployment.planSha256 }),
    SIERRA_BATCH_SHARED: deployment.sharedFolder,
    SIERRA_BATCH_JOIN_PORT: String(deployment.joinPort),
    SIERRA_BATCH_SSH_PORT: String(deployment.sshPort),
    ...(isOwnQueue ? {} : { SIERRA_BATCH_STOP_SECONDS: OTHERS_STOP_SECONDS }),
    ...deployment.extraEnvironment,
  };
  return Object.entries(variables).map(([name, value]) => ({ name, value }));
}

function resourcesOf({ cluster }: Plan): ResourceRequirement[] {
  return [
    { type: 'VCPU', value: String(cluster.vcpus) },
    { type: 'MEMORY', value: String(cluster.memoryMiB) },
    ...(cluster.gpus === undefined ? [] : [{ type: 'GPU' as const, value: String(cluster.gpus) }]),
  ];
}
