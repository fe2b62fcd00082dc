import { spoken } from '../text/numbers.ts';
import { quoted, sentence } from '../text/sentence.ts';
import type { Observed, Sentences, Situation } from './observation.ts';

/** Batch's own words for a job that stays RUNNABLE, as its documentation lists them: matched by their fixed prefix. */
const REASONS: readonly { name: string; reason: RegExp; why: string; next: string }[] = [
  {
    name: 'waiting-no-capacity',
    reason: /INSUFFICIENT_INSTANCE_CAPACITY/,
    why: 'Amazon has no free machines of this type in this zone just now; all nodes of a run must be free at the same time.',
    next: 'Wait, or cancel and ask for fewer nodes or another `cluster.instanceType`.',
  },
  {
    name: 'waiting-queue-too-small',
    reason: /COMPUTE_ENVIRONMENT_MAX_RESOURCE/,
    why: 'The run asks for more vCPUs in all than its queue may ever have, so waiting will not help.',
    next: 'Cancel it; lower `cluster.nodes` or `cluster.vcpus`, or ask the operators of the deployment to raise the queue’s maximum.',
  },
  {
    name: 'waiting-node-too-big',
    reason: /JOB_RESOURCE_REQUIREMENT/,
    why: 'No machine type of the queue has the vCPUs, memory or GPUs that one node asks for, so waiting will not help.',
    next: 'Cancel it; lower `cluster.vcpus`, `cluster.memory` or `cluster.gpus`, or name a larger `cluster.instanceType`.',
  },
  {
    name: 'waiting-vcpu-quota',
    reason: /VcpuLimitExceeded|current vCPU limit|vCPU (quota|limit)/i,
    why: 'The account may not have so many vCPUs at once: its quota for On-Demand instances is used up or too small.',
    next: 'Wait until other runs end, ask for fewer nodes, or ask the operators of the deployment to have the quota raised.',
  },
  {
    name: 'waiting-service-role',
    reason: /SERVICE_ROLE_PERMISSIONS/,
    why: 'AWS Batch itself is not permitted to start instances in this account.',
    next: 'Ask the operators of the deployment to repair the service role of the compute environment.',
  },
  {
    name: 'waiting-instance-configuration',
    reason: /EC2_INSTANCE_CONFIGURATION_UNSUPPORTED/,
    why: 'The machine type cannot be started with the settings of the compute environment.',
    next: 'Name another `cluster.instanceType`, or ask the operators of the deployment to correct the launch template.',
  },
  {
    name: 'waiting-action-required',
    reason: /ACTION_REQUIRED/,
    why: 'AWS Batch says that the queue or its compute environment is not usable until someone repairs it.',
    next: 'Ask the operators of the deployment to look at the state of the compute environment in the AWS Batch console.',
  },
  {
    name: 'waiting-misconfigured',
    reason: /MISCONFIGURATION/,
    why: 'AWS Batch reports a wrong setting of the queue or its compute environment.',
    next: 'Show this to the operators of the deployment.',
  },
  {
    name: 'waiting-undetermined',
    reason: /UNDETERMINED/,
    why: 'The job is blocked and AWS Batch does not know by what.',
    next: 'Wait a while; if it stays so, show this to the operators of the deployment.',
  },
];

/** A run that has its job queued, and has not got its machines. */
export const WAITING: readonly Situation[] = [
  ...REASONS.map(({ name, reason, why, next }) => ({
    name,
    tell: (observed: Observed): Sentences | undefined => {
      const said = waitingReason(observed);
      if (said === undefined || !reason.test(said)) return undefined;
      return { headline: headline(observed), why: `${why} AWS says: ${quoted(said)}.`, next };
    },
  })),
  {
    name: 'waiting-other-reason',
    tell(observed) {
      const said = waitingReason(observed);
      if (said === undefined) return undefined;
      return {
        headline: headline(observed),
        why: `AWS Batch gives a reason that this system does not know: ${quoted(said)}.`,
        next: 'If it stays so, show this to the operators of the deployment.',
      };
    },
  },
  {
    name: 'waiting-for-machines',
    tell(observed) {
      if (observed.state !== 'queued') return undefined;
      const limit = observed.limits?.queueSeconds;
      return {
        headline: headline(observed),
        why: 'AWS Batch is getting the machines; a few minutes are usual, and all nodes must be free at once.',
        next:
          limit === undefined
            ? 'Nothing to do but wait.'
            : sentence(`wait; the run gives up after ${spoken(limit)} in the queue (\`timeouts.queue\`)`),
      };
    },
  },
];

function waitingReason({ state, waiting, job }: Observed): string | undefined {
  if (state !== 'queued') return undefined;
  const said = waiting?.reason ?? job?.statusReason;
  return said === undefined || said.trim() === '' ? undefined : said;
}

function headline({ waiting, nodes }: Observed): string {
  const what =
    nodes === undefined ? 'machines' : nodes.expected === 1 ? 'a machine' : `${nodes.expected} machines`;
  return waiting?.seconds === undefined
    ? `Waiting for ${what}.`
    : `Waiting for ${what}, for ${spoken(waiting.seconds)} so far.`;
}
