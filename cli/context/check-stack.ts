import type { BatchClient, ComputeEnvironmentDetail } from '@aws-sdk/client-batch';
import {
  DescribeComputeEnvironmentsCommand,
  DescribeJobDefinitionsCommand,
  DescribeJobQueuesCommand,
  DescribeJobsCommand,
} from '@aws-sdk/client-batch';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { ECRClient } from '@aws-sdk/client-ecr';
import { DescribeImagesCommand } from '@aws-sdk/client-ecr';
import type { ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import type { SNSClient } from '@aws-sdk/client-sns';
import { ListSubscriptionsByTopicCommand } from '@aws-sdk/client-sns';
import type { STSClient } from '@aws-sdk/client-sts';
import type { S3Port, StatesPort } from '../../aws/ports.ts';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import { RUN_PREFIX, RUNS_PAGE_KEY } from '../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import { counted } from '../../experiment/text/numbers.ts';
import type { MachineKind } from './ask-account.ts';
import { askCaller, askQuota, kindsOf, QUOTAS } from './ask-account.ts';
import type { Finding } from './finding.ts';
import { missing, note, ok } from './finding.ts';
import type { DescribedStack } from './stack.ts';

/** All that a deployment is looked at with. */
export interface StackClients {
  sts: Pick<STSClient, 'send'>;
  s3: S3Port;
  states: StatesPort;
  batch: Pick<BatchClient, 'send'>;
  logs: Pick<CloudWatchLogsClient, 'send'>;
  ecr: Pick<ECRClient, 'send'>;
  sns: Pick<SNSClient, 'send'>;
  quotas: Pick<ServiceQuotasClient, 'send'>;
}

type Outputs = DescribedStack['outputs'];

/** A run that there is none of: who may ask is told so. */
const NOBODY = 'doctor-00000000000';
const WELL = /^(CREATE|UPDATE|IMPORT|UPDATE_ROLLBACK)_COMPLETE$|^UPDATE_COMPLETE_CLEANUP_IN_PROGRESS$/;
const REFUSED = /AccessDenied|AuthorizationError|Unauthorized|NotAuthorized|^403$/;

/** What a user of a stack needs: that it stands, that nodes can start from it, and that they may use it. Changes nothing. */
export async function stackFindings(
  clients: StackClients,
  stack: DescribedStack,
  deployment: Deployment,
): Promise<Finding[]> {
  const { outputs } = stack;
  const found = await looked('who you are', async () => {
    const { arn } = await askCaller(clients.sts);
    return [ok(`you are ${arn}`)];
  });
  const rest = await Promise.all([
    mayUse('read the bucket', () => readBucket(clients, deployment)),
    mayUse('look at executions', () => askExecution(clients, deployment)),
    mayUse('look at jobs', () => clients.batch.send(new DescribeJobsCommand({ jobs: [NOBODY] }))),
    mayUse('read nodes’ logs', () => readLogs(clients, outputs)),
    ...Object.entries(deployment.queues).map(([name, { arn }]) =>
      looked(`the queue ${name}`, () => queueAndMachines(clients, name, arn)),
    ),
    looked('the job definition', () => definitionAndImage(clients, deployment, outputs)),
    looked('mails', () => subscriptions(clients, outputs)),
    looked('EC2’s quota', () => quota(clients, deployment)),
  ]);
  return [...found, stackState(stack), ...rest.flat()];
}

/** One look. What may not be looked at is a note: that it is there is not refuted. */
async function looked(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { name, message } = asError(error);
    return REFUSED.test(name)
      ? [note(what, 'you may not look at it')]
      : [missing(what, `${name}: ${message}`)];
  }
}

/** A call that commands make. Whoever may not make it cannot work. */
async function mayUse(what: string, call: () => Promise<unknown>): Promise<Finding[]> {
  try {
    await call();
    return [ok(`you may ${what}`)];
  } catch (error) {
    const { name, message } = asError(error);
    const isThere = !/log group does not exist/i.test(message);
    if (/NoSuchKey|DoesNotExist|ResourceNotFound/.test(name) && isThere) return [ok(`you may ${what}`)];
    return REFUSED.test(name)
      ? [missing(`you may not ${what}`, 'ask for the policy of the stack’s output ResearcherPolicyArn')]
      : [missing(what, `${name}: ${message}`)];
  }
}

function stackState({ name, status, reason }: DescribedStack): Finding {
  const what = `the stack ${name} is ${status || 'not there'}`;
  if (WELL.test(status)) return ok(what);
  if (/^(DELETE|ROLLBACK)_IN_PROGRESS$/.test(status))
    return missing(what, 'it is being taken down; whoever deployed it knows why');
  if (status.endsWith('_IN_PROGRESS'))
    return note(what, 'it is being changed; runs that go on are not touched');
  return missing(
    what,
    `${reason === undefined ? '' : `${reason}; `}whoever deployed it runs \`npm run deploy\` again`,
  );
}

async function readBucket({ s3 }: StackClients, { bucket: Bucket }: Deployment): Promise<void> {
  await s3.listObjectsV2({ Bucket, Prefix: RUN_PREFIX, Delimiter: '/', MaxKeys: 1 });
  await s3.getObject({ Bucket, Key: RUNS_PAGE_KEY, Range: 'bytes=0-0' });
}

function askExecution({ states }: StackClients, { stateMachineArn }: Deployment): Promise<unknown> {
  return states.describeExecution({ executionArn: executionArn(stateMachineArn, NOBODY) });
}

function readLogs({ logs }: StackClients, { JobLogGroup }: Outputs): Promise<unknown> {
  return logs.send(new GetLogEventsCommand({ logGroupName: JobLogGroup, logStreamName: NOBODY, limit: 1 }));
}

async function queueAndMachines({ batch }: StackClients, name: string, arn: string): Promise<Finding[]> {
  const { jobQueues: [queue] = [] } = await batch.send(new DescribeJobQueuesCommand({ jobQueues: [arn] }));
  const found = [standing(`the queue ${name}`, queue)];
  const order = queue?.computeEnvironmentOrder ?? [];
  if (order.length === 0) return found;
  const { computeEnvironments = [] } = await batch.send(
    new DescribeComputeEnvironmentsCommand({
      computeEnvironments: order.map(({ computeEnvironment = '' }) => computeEnvironment),
    }),
  );
  return [
    ...found,
    ...(computeEnvironments.length === 0
      ? [missing(`the machines of ${name}`, 'there is no compute environment')]
      : computeEnvironments.flatMap((environment) => [
          standing(`the machines of ${name}`, environment),
          ...olderImages(name, environment),
        ])),
  ];
}

/** Batch takes a newer image of Amazon's only when an environment is updated. */
function olderImages(name: string, environment: ComputeEnvironmentDetail): Finding[] {
  const { computeEnvironmentArn = '', computeResources } = environment;
  const images = computeResources?.ec2Configuration ?? [];
  return images
    .filter(({ batchImageStatus }) => batchImageStatus === 'UPDATE_AVAILABLE')
    .map(({ imageType = 'of an unknown type' }) =>
      note(
        `the machines of ${name} start from an image (${imageType}) that is not the newest`,
        `whoever deployed it runs \`aws batch update-compute-environment --compute-environment ${computeEnvironmentArn} --compute-resources updateToLatestImageVersion=true\``,
      ),
    );
}

interface Standing {
  state?: string | undefined;
  status?: string | undefined;
  statusReason?: string | undefined;
}

function standing(what: string, found: Standing | undefined): Finding {
  if (found === undefined) return missing(what, 'it is not there');
  const { state = 'without a state', status = 'without a status', statusReason } = found;
  const how = `${what}: ${state}, ${status}`;
  if (state === 'ENABLED' && status === 'VALID') return ok(how);
  return missing(how, `no run gets machines like this; ${statusReason ?? 'no reason is given'}`);
}

async function definitionAndImage(
  { batch, ecr }: StackClients,
  { jobDefinition }: Deployment,
  { RepositoryUri = '' }: Outputs,
): Promise<Finding[]> {
  const { jobDefinitions: [definition] = [] } = await batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitions: [jobDefinition] }),
  );
  if (definition?.status !== 'ACTIVE')
    return [missing('the job definition', `it is ${definition?.status ?? 'not there'}: deploy again`)];
  const image = definition.nodeProperties?.nodeRangeProperties?.[0]?.container?.image ?? '';
  return [
    ok('the job definition is ACTIVE'),
    ...(await looked(`the image ${image}`, () => imageThere(ecr, image, RepositoryUri))),
  ];
}

async function imageThere(
  ecr: StackClients['ecr'],
  image: string,
  repositoryUri: string,
): Promise<Finding[]> {
  const what = `the image ${image}`;
  const tag = image.slice(repositoryUri.length + 1);
  if (repositoryUri === '' || image !== `${repositoryUri}:${tag}`)
    return [note(what, 'it is not of the stack’s own repository, and was not looked for')];
  try {
    const { imageDetails = [] } = await ecr.send(
      new DescribeImagesCommand({
        repositoryName: repositoryUri.slice(repositoryUri.indexOf('/') + 1),
        imageIds: [{ imageTag: tag }],
      }),
    );
    if (imageDetails.length > 0) return [ok(what)];
  } catch (error) {
    if (asError(error).name !== 'ImageNotFoundException') throw error;
  }
  return [missing(what, 'it is not in the repository, so that no node can start: deploy again')];
}

async function subscriptions({ sns }: StackClients, { TopicArn }: Outputs): Promise<Finding[]> {
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  if (Subscriptions.length === 0)
    return [note('mails', 'there is no subscriber: `npm run deploy -- Email=YOU@EXAMPLE.ORG`')];
  const pending = Subscriptions.filter(({ SubscriptionArn = '' }) => !SubscriptionArn.startsWith('arn:'));
  if (pending.length === 0) return [ok(`mails go to ${counted(Subscriptions.length, 'subscriber')}`)];
  const who = pending.map(({ Endpoint = 'somebody' }) => Endpoint).join(', ');
  return [missing(`mails to ${who}`, 'not confirmed yet: open the link in the mail of AWS Notifications')];
}

async function quota(
  { quotas: client }: StackClients,
  { defaults, instanceTypes = [], queues: { default: own } }: Deployment,
): Promise<Finding[]> {
  const kinds = kindsOf(instanceTypes);
  return Promise.all((kinds.length === 0 ? (['Standard'] as const) : kinds).map(judged));

  async function judged(kind: MachineKind): Promise<Finding> {
    const value = (await askQuota(client, QUOTAS[kind])) ?? 0;
    const what = `EC2’s quota of ${value} vCPUs${kind === 'Standard' ? '' : ` of ${kind} machines`}`;
    const most = own?.maxvCpus ?? 0;
    if (value < defaults.vcpus)
      return missing(what, `less than one node has (${defaults.vcpus}): no run starts; ask AWS for more`);
    if (value < most)
      return note(
        what,
        `less than MaxvCpus (${most}): a run that needs more waits in vain; ask AWS for more`,
      );
    return ok(what);
  }
}

function asError(error: unknown): { name: string; message: string } {
  return error instanceof Error ? error : { name: 'Error', message: String(error) };
}
