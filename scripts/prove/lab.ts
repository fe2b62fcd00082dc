import type { BatchClient, JobDetail } from '@aws-sdk/client-batch';
import { DescribeJobsCommand } from '@aws-sdk/client-batch';
import type { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import type { EC2Client } from '@aws-sdk/client-ec2';
import { DescribeInstancesCommand } from '@aws-sdk/client-ec2';
import type { ECSClient } from '@aws-sdk/client-ecs';
import { DescribeContainerInstancesCommand } from '@aws-sdk/client-ecs';
import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { IAMClient } from '@aws-sdk/client-iam';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { STSClient } from '@aws-sdk/client-sts';
import type { Bucket } from '../../aws/bucket.ts';
import type { DescribedStack } from '../../cli/context/stack.ts';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { parseStatus } from '../../experiment/records/status.ts';
import type { Clock, MakeNonce } from '../../experiment/util/clock.ts';
import { dropText } from '../../submission/drop-manifest.ts';
import type { Verdict } from './evidence.ts';
import type { QuestionName } from './questions.ts';

export interface ProveClients {
  s3: S3Client;
  batch: BatchClient;
  states: SFNClient;
  events: EventBridgeClient;
  queues: SQSClient;
  ecs: ECSClient;
  ec2: EC2Client;
  formation: CloudFormationClient;
  iam: IAMClient;
  sts: STSClient;
}

/** A deployed stack that is asked, and what it is asked with. */
export interface Lab {
  clients: ProveClients;
  /** Clients of a role that was assumed. */
  as: (credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }) => ProveClients;
  stack: DescribedStack;
  deployment: Deployment;
  bucket: Bucket;
  region: string;
  account: string;
  clock: Clock;
  nonce: MakeNonce;
  /** Aborts when the time is up or somebody has had enough. */
  signal: AbortSignal;
  /** 1 on AWS; a local system does in a second what takes AWS twenty. */
  pace: number;
  say: (line: string) => void;
}

export type Answer = (question: QuestionName, verdict: Verdict, because: string) => void;

/** What was waited for did not come. */
class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** Milliseconds for so many of AWS's seconds. */
export const ms = ({ pace }: Pick<Lab, 'pace'>, seconds: number) => seconds * 1000 * pace;

/** Looks until something is there. @throws Unanswered after so many seconds, and the signal's reason */
export async function until<Found>(
  lab: Pick<Lab, 'clock' | 'pace' | 'signal'>,
  what: string,
  seconds: number,
  look: () => Promise<Found | undefined>,
): Promise<Found> {
  const start = lab.clock.now();
  for (;;) {
    lab.signal.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    // A local machine may have much else to do.
    if (lab.clock.now() - start > Math.max(ms(lab, seconds), Math.min(seconds * 1000, 120_000)))
      throw new Unanswered(`${what} was waited for for ${seconds} s`);
    await lab.clock.sleep(Math.max(200, ms(lab, 5)), lab.signal);
  }
}

/** The name of every manifest of ours begins so; a blank and a plus show how its key travels. */
export const OUR_MANIFEST = 'prove a+b.yaml';
export const OUR_RUNS = 'prove-';
/** What people try to write lies here. */
export const OUR_INPUTS = 'inputs/prove-';

/** Drops a manifest of two nodes and answers its run. @param more lines of the manifest @throws Unanswered when it is no run */
export async function dropRun(
  lab: Lab,
  trial: string,
  { command, cluster = '', more = '' }: { command: string; cluster?: string; more?: string },
): Promise<string> {
  const name = `${OUR_RUNS}${trial}`;
  const text = `apiVersion: sierra-batch/v1
name: ${name}
cluster: {nodes: 2${cluster}}
run: {jobsPerNode: 1, commands: {list: [${[1, 2].map((task) => JSON.stringify(`${command} # ${task}`)).join(', ')}]}}
minNodes: 1
timeouts: {queue: 10m, join: 5m, run: 15m}
${more}`;
  const { bucket, clock, nonce } = lab;
  const to = { bucket, clock, nonce, lookMs: Math.max(200, ms(lab, 2)), acceptedWithinMs: 120_000 };
  const dropped = await dropText(to, OUR_MANIFEST, name, text);
  if (dropped.kind === 'accepted') return dropped.runId;
  const why = dropped.kind === 'rejected' ? dropped.rejection : `${dropped.kind} after two minutes`;
  throw new Unanswered(`the manifest of ${trial} did not become a run: ${why}`);
}

/** The job of a run, once there is one. */
export async function jobIdOf({ bucket }: Pick<Lab, 'bucket'>, runId: string): Promise<string | undefined> {
  return parseStatus((await bucket.read(runKeys(runId).status))?.text)?.jobId ?? undefined;
}

/** The job and its children `#0` and `#1`. Those that Batch does not describe are undefined. */
export async function describeJob({ clients }: Pick<Lab, 'clients'>, jobId: string) {
  const jobs = [jobId, `${jobId}#0`, `${jobId}#1`];
  const { jobs: found = [] } = await clients.batch.send(new DescribeJobsCommand({ jobs }));
  const byId = (id: string): JobDetail | undefined => found.find((each) => each.jobId === id);
  return { parent: byId(jobId), main: byId(`${jobId}#0`), child: byId(`${jobId}#1`) };
}

export const isOver = (job: JobDetail | undefined) => job?.status === 'SUCCEEDED' || job?.status === 'FAILED';

/** Waits until both nodes run and tasks are under way. Answers the job's id. */
export async function runningJob(lab: Lab, runId: string): Promise<string> {
  const jobId = await until(lab, `a job of ${runId}`, 180, () => jobIdOf(lab, runId));
  await until(lab, `two running nodes of ${runId}`, 900, async () => {
    const { parent, main, child } = await describeJob(lab, jobId);
    if (isOver(parent)) throw new Unanswered(`the job ended before both nodes ran: ${parent?.statusReason}`);
    return main?.status === 'RUNNING' && child?.status === 'RUNNING' ? true : undefined;
  });
  await until(lab, `progress of ${runId}`, 300, () => lab.bucket.read(runKeys(runId).progress));
  return jobId;
}

/** The machine that a node's container is on, by ECS. undefined when it is not known any more. */
export async function instanceOf({ clients }: Pick<Lab, 'clients'>, job: JobDetail | undefined) {
  const arn = job?.container?.containerInstanceArn;
  // arn:…:container-instance/CLUSTER/ID; the old form has no cluster, and its task neither.
  const cluster = arn?.split('/').at(-2);
  if (arn === undefined || cluster === undefined) return undefined;
  const { containerInstances: [host] = [] } = await clients.ecs.send(
    new DescribeContainerInstancesCommand({ cluster, containerInstances: [arn] }),
  );
  if (host?.ec2InstanceId === undefined) return undefined;
  const InstanceIds = [host.ec2InstanceId];
  const { Reservations: [found] = [] } = await clients.ec2.send(
    new DescribeInstancesCommand({ InstanceIds }),
  );
  const [instance] = found?.Instances ?? [];
  return {
    id: host.ec2InstanceId,
    cluster,
    type: String(instance?.InstanceType ?? ''),
    state: instance?.State?.Name ?? 'gone',
  };
}

/** Stops the execution of a run: the system then ends its job. @returns whether there was one */
export async function stopRun({ clients, deployment }: Pick<Lab, 'clients' | 'deployment'>, runId: string) {
  const executionArn = `${deployment.stateMachineArn.replace(':stateMachine:', ':execution:')}:${runId}`;
  try {
    await clients.states.send(new StopExecutionCommand({ executionArn, cause: 'npm run prove' }));
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ExecutionDoesNotExist') return false;
    throw error;
  }
}
