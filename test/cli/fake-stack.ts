import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import type { LocalSystem } from '../../local/system/system.ts';
import { signedHeaders } from '../support/loopback.ts';

const REPOSITORY = '111122223333.dkr.ecr.eu-central-1.amazonaws.com/lab';

/** What a test may change of the account, to see what is said of it. */
interface FakeAccount {
  stackStatus: string;
  machines: string;
  images: readonly object[];
  subscriptions: readonly string[];
  vcpuQuota: number;
  /** Services that refuse whoever asks, as they are called in a signature. */
  refusing: ReadonlySet<string>;
  log: string;
}

/**
 * What AWS has around a deployment, for a command in a process of its own: CloudFormation, CloudWatch Logs, STS, ECR, SNS,
 * Service Quotas, and what the local Batch does not know. S3, Step Functions and jobs are the local system's.
 */
export async function startFakeStack(system: LocalSystem) {
  const account: FakeAccount = {
    stackStatus: 'UPDATE_COMPLETE',
    machines: 'VALID',
    images: [{}],
    subscriptions: ['arn:aws:sns:eu-central-1:111122223333:lab:1'],
    vcpuQuota: 640,
    refusing: new Set(),
    log: '{"event":"Node:Started"}',
  };
  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>> = {
    cloudformation: async (_, response) => xml(response, describeStacks(account, system)),
    sts: async (_, response) =>
      xml(
        response,
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/Researcher/ada@lab.org</Arn><UserId>A</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>',
      ),
    sns: async (_, response) => xml(response, listSubscriptions(account)),
    ecr: async (_, response) => reply(response, { imageDetails: account.images }),
    servicequotas: async (_, response) => reply(response, { Quota: { Value: account.vcpuQuota } }),
    logs: async (request, response) => {
      const { logGroupName, logStreamName, nextToken } = await body(request);
      if (logGroupName !== 'lab-nodes' || !/^node\/\d+$/.test(logStreamName ?? ''))
        refuse(response, 400, 'ResourceNotFoundException', 'The specified log stream does not exist.');
      else
        reply(response, {
          events: nextToken === undefined ? [{ timestamp: 1, message: account.log }] : [],
          nextForwardToken: 'f/1',
        });
    },
    batch: async (request, response) => batch(account, system, request, response),
  };
  const server = createServer((request, response) => {
    const [, service = ''] =
      /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '') ?? [];
    const answer = answers[service];
    if (account.refusing.has(service) || answer === undefined) refuseCaller(response, service);
    else
      void answer(request, response).catch((error: unknown) => refuse(response, 500, 'Fault', String(error)));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const names = ['BATCH', 'CLOUDFORMATION', 'CLOUDWATCH_LOGS', 'STS', 'ECR', 'SNS', 'SERVICE_QUOTAS'];
  return {
    account,
    environment: {
      ...system.endpoint,
      ...Object.fromEntries(names.map((name) => [`AWS_ENDPOINT_URL_${name}`, url])),
    },
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function describeStacks({ stackStatus }: FakeAccount, { deployment }: LocalSystem): string {
  const [queue] = Object.values(deployment.queues);
  const outputs = {
    BucketName: deployment.bucket,
    StateMachineArn: deployment.stateMachineArn,
    JobQueueArn: queue?.arn ?? '',
    JobDefinitionArn: deployment.jobDefinition,
    DefaultVcpus: '2',
    DefaultMemoryMiB: '1024',
    MaxvCpus: '256',
    SshPort: String(deployment.sshPort),
    JoinPort: String(deployment.joinPort),
    OtherInputBuckets: '',
    Queues: 'none',
    JobLogGroup: 'lab-nodes',
    RepositoryUri: REPOSITORY,
    TopicArn: 'arn:aws:sns:eu-central-1:111122223333:lab',
  };
  const members = Object.entries(outputs).map(
    ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>lab</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${stackStatus}</StackStatus><Outputs>${members.join('')}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
}

function listSubscriptions({ subscriptions }: FakeAccount): string {
  const members = subscriptions.map(
    (arn) =>
      `<member><SubscriptionArn>${arn}</SubscriptionArn><Endpoint>ada@lab.org</Endpoint><Protocol>email</Protocol></member>`,
  );
  return `<ListSubscriptionsByTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListSubscriptionsByTopicResult><Subscriptions>${members.join('')}</Subscriptions></ListSubscriptionsByTopicResult></ListSubscriptionsByTopicResponse>`;
}

/** What the local Batch does not answer, and the names of log streams, which it has none of. */
async function batch(
  { machines }: FakeAccount,
  system: LocalSystem,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const own: Record<string, object> = {
    '/v1/describejobqueues': {
      jobQueues: [
        {
          jobQueueName: 'lab',
          jobQueueArn: 'arn:aws:batch:eu-central-1:111122223333:job-queue/lab',
          priority: 1,
          state: 'ENABLED',
          status: 'VALID',
          computeEnvironmentOrder: [{ order: 1, computeEnvironment: 'lab' }],
        },
      ],
    },
    '/v1/describecomputeenvironments': {
      computeEnvironments: [
        {
          computeEnvironmentName: 'lab',
          computeEnvironmentArn: 'arn:aws:batch:eu-central-1:111122223333:compute-environment/lab',
          state: 'ENABLED',
          status: machines,
          statusReason: 'CLIENT_ERROR - Not authorized',
        },
      ],
    },
    '/v1/describejobdefinitions': {
      jobDefinitions: [
        {
          jobDefinitionName: 'lab',
          jobDefinitionArn: 'arn:aws:batch:eu-central-1:111122223333:job-definition/lab:1',
          revision: 1,
          type: 'multinode',
          status: 'ACTIVE',
          nodeProperties: {
            numNodes: 2,
            mainNode: 0,
            nodeRangeProperties: [{ targetNodes: '0:', container: { image: `${REPOSITORY}:1` } }],
          },
        },
      ],
    },
  };
  const found = own[request.url ?? ''];
  if (found !== undefined) return reply(response, found);
  const asked = await body(request);
  const url = `${system.endpoint.AWS_ENDPOINT_URL_BATCH}${request.url}`;
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    system.endpoint;
  const caller = { accessKeyId, secretAccessKey };
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...signedHeaders(url, 'batch', caller, 'POST'), 'content-type': 'application/json' },
    // Nodes of the local system have no mount.
    body: JSON.stringify(asked).replaceAll('/mnt/efs', system.deployment.sharedFolder),
  });
  const told: { jobs?: { container?: object }[] } = Object(await answer.json());
  const [, node] = /#(\d+)$/.exec(asked.jobs?.[0] ?? '') ?? [];
  if (node !== undefined)
    for (const job of told.jobs ?? []) job.container = { ...job.container, logStreamName: `node/${node}` };
  const type = answer.headers.get('x-amzn-errortype');
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    ...(type === null ? {} : { 'x-amzn-errortype': type }),
  });
  response.end(JSON.stringify(told));
}

interface Asked {
  jobs?: readonly string[];
  logGroupName?: string;
  logStreamName?: string;
  nextToken?: string;
}

async function body(request: IncomingMessage): Promise<Asked> {
  return Object(await json(request));
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/xml' });
  response.end(text);
}

function reply(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' });
  response.end(JSON.stringify(value));
}

/** CloudFormation, SNS and STS speak XML, and SNS has a word of its own. */
function refuseCaller(response: ServerResponse, service: string): void {
  const message = `User is not authorized to perform: ${service}`;
  if (!['cloudformation', 'sns', 'sts'].includes(service)) {
    refuse(response, 403, 'AccessDeniedException', message);
    return;
  }
  const code = service === 'sns' ? 'AuthorizationError' : 'AccessDenied';
  response.writeHead(403, { 'content-type': 'text/xml' });
  response.end(
    `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`,
  );
}

function refuse(response: ServerResponse, status: number, name: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': name });
  response.end(JSON.stringify({ __type: name, message }));
}
