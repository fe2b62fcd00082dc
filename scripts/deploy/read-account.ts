import type { BatchClient } from '@aws-sdk/client-batch';
import { paginateListJobs } from '@aws-sdk/client-batch';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2';
import type { ECRClient } from '@aws-sdk/client-ecr';
import type { IAMClient } from '@aws-sdk/client-iam';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { STSClient } from '@aws-sdk/client-sts';
import type { FoundStack, MachineKind } from '../../cli/context/ask-account.ts';
import { askCaller, askQuota, findStack, kindsOf, QUOTAS } from '../../cli/context/ask-account.ts';
import { isOfNetwork } from '../../cli/errors/explain-aws-error.ts';
import type { Offers } from './zones.ts';
import { askOffers, countVpcs } from './zones.ts';

/** The clients that a deployment needs besides the SAM command line. */
export interface DeployClients {
  batch: BatchClient;
  cloudFormation: CloudFormationClient;
  ec2: EC2Client;
  ecr: ECRClient;
  iam: IAMClient;
  quotas: ServiceQuotasClient;
  sts: STSClient;
}

/** What an account says of itself. `undefined` where it may not be asked. */
export interface Survey {
  account: string;
  caller: string;
  /** On-Demand vCPUs at once of each kind that nodes are of, and functions at once. */
  vcpuQuotas: readonly { kind: MachineKind; value: number | undefined }[];
  lambdaQuota: number | undefined;
  /** VPCs that the region may have, and has. */
  vpcQuota: number | undefined;
  vpcs: number | undefined;
  /** Zones that have the types of nodes. */
  offers: Offers | undefined;
  /** Of the type that nodes have by themselves. */
  nodeMemoryMiB: number | undefined;
  /** USD an hour of the type that nodes have by themselves; set by who asks elsewhere. */
  nodePrice?: number | undefined;
  /** Service-linked roles that are not there. */
  missingRoles: readonly ServiceLinkedRole[];
  stack: FoundStack | undefined;
  /** Of the stack's queue. */
  liveJobs: readonly LiveJob[];
}

export interface LiveJob {
  id: string;
  name: string;
  status: string;
}

interface ServiceLinkedRole {
  name: string;
  service: string;
}

/** Nobody is logged in, or the account cannot be reached: nothing else can be asked of it. */
export class NotLoggedIn extends Error {
  override readonly name = 'NotLoggedIn';
}

/** Those that Batch cannot do without, and that institutions may forbid to make. */
const ROLES: readonly ServiceLinkedRole[] = [
  { name: 'AWSServiceRoleForBatch', service: 'batch.amazonaws.com' },
  { name: 'AWSServiceRoleForECS', service: 'ecs.amazonaws.com' },
];
const LIVE = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const;

/**
 * Asks an account what a deployment has to know. Changes nothing. @throws NotLoggedIn
 * @param typesOf what nodes will be, by the stack that is there
 */
export async function survey(
  clients: DeployClients,
  stackName: string,
  typesOf: (stack: FoundStack | undefined) => readonly string[],
): Promise<Survey> {
  const { account, arn: caller } = await askCaller(clients.sts).catch((error: unknown) => {
    if (error instanceof Error && isOfNetwork(error))
      throw new NotLoggedIn(
        `AWS cannot be reached (${textOf(error)}). Look at the network (the SDK reads no HTTPS_PROXY) and at the region's name.`,
      );
    throw new NotLoggedIn(
      `AWS does not know who you are (${textOf(error)}). Log in (\`aws sso login\`, \`aws configure\`), name a --profile, or set AWS_ACCESS_KEY_ID and its like.`,
    );
  });
  const stack = await findStack(clients.cloudFormation, stackName);
  const types = typesOf(stack);
  const [vcpuQuotas, lambdaQuota, vpcQuota, vpcs, offers, nodeMemoryMiB, missingRoles, jobs] =
    await Promise.all([
      Promise.all(kindsOf(types).map(async (kind) => ({ kind, value: await quota(clients.quotas, kind) }))),
      quota(clients.quotas, 'functions'),
      quota(clients.quotas, 'vpcs'),
      countVpcs(clients.ec2).catch(() => undefined),
      askOffers(clients.ec2, types).catch(() => undefined),
      memoryOf(clients.ec2, types[0]).catch(() => undefined),
      rolesMissing(clients.iam),
      liveJobs(clients.batch, stack),
    ]);
  const quotas = { vcpuQuotas, lambdaQuota, vpcQuota };
  return { account, caller, ...quotas, vpcs, offers, nodeMemoryMiB, missingRoles, stack, liveJobs: jobs };
}

/** Every job of the stack's queue that has not ended. @throws the SDK's errors: what is not known is not safe */
export async function liveJobs(batch: BatchClient, stack: FoundStack | undefined): Promise<LiveJob[]> {
  const jobQueue = stack?.outputs.JobQueueArn;
  if (jobQueue === undefined) return [];
  const found: LiveJob[] = [];
  for (const jobStatus of LIVE)
    for await (const page of paginateListJobs({ client: batch }, { jobQueue, jobStatus }))
      for (const { jobId: id = '', jobName: name = '', status = jobStatus } of page.jobSummaryList ?? [])
        found.push({ id, name, status });
  return found;
}

/** undefined, which is told as unknown, where it may not be asked. */
function quota(client: ServiceQuotasClient, which: keyof typeof QUOTAS): Promise<number | undefined> {
  return askQuota(client, QUOTAS[which]).catch(() => undefined);
}

/** @throws the SDK's errors */
async function memoryOf(client: EC2Client, type = ''): Promise<number | undefined> {
  const asked = new DescribeInstanceTypesCommand({ Filters: [{ Name: 'instance-type', Values: [type] }] });
  return (await client.send(asked)).InstanceTypes?.[0]?.MemoryInfo?.SizeInMiB;
}

async function rolesMissing(iam: IAMClient): Promise<ServiceLinkedRole[]> {
  const missing: ServiceLinkedRole[] = [];
  for (const role of ROLES) {
    try {
      await iam.send(new GetRoleCommand({ RoleName: role.name }));
    } catch (error) {
      // Who may not look gets AccessDenied: CloudFormation will tell.
      if (error instanceof Error && error.name === 'NoSuchEntityException') missing.push(role);
    }
  }
  return missing;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
