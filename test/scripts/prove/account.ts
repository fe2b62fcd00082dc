import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as forward } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient, ListRulesCommand, ListTargetsByRuleCommand } from '@aws-sdk/client-eventbridge';
import { CreatePolicyCommand, IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { ListQueuesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import type { NodeExit } from '../../../local/aws/batch/node-start.ts';
import type { BusEvent } from '../../../local/aws/events/bus.ts';
import { answerBatch, answerStates } from '../../../local/http/json-routes.ts';
import { answerS3 } from '../../../local/http/s3-routes.ts';
import { portFrom } from '../../../local/nodes/addresses.ts';
import type { KindOfNodes } from '../../../local/nodes/nodes.ts';
import { ProcessNodes } from '../../../local/nodes/process-nodes.ts';
import { startQuietSystem } from '../../../local/start/quiet-system.ts';
import { startMoto } from '../../aws/moto/moto.ts';

/** What is in the middle does to a call: nothing, a refusal that passes, or a broken connection. */
export type Middle = (service: string, count: number) => 'busy' | 'broken' | undefined;

const OWN = 'sierra-batch';
/** moto's. */
const REGION = 'us-east-1';
const POLICIES = ['Researcher', 'Operator'] as const;

/**
 * An account with the system deployed: S3, Batch and Step Functions are the local system's, with its nodes as machines of
 * ECS and EC2, all else is moto's. One address for all of it.
 */
export async function startAccount(middle: Middle = () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'sbp-'));
  const moto = await startMoto();
  const config = {
    region: REGION,
    endpoint: moto.url,
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  };
  const clients = {
    formation: new CloudFormationClient(config),
    events: new EventBridgeClient(config),
    iam: new IAMClient(config),
    queues: new SQSClient(config),
  };
  const machines = new Machines();
  const system = await startQuietSystem(folder, {
    nodes: await machines.kind(),
    onEvent: (event) => deliver(clients, event),
  });
  await makeStack(clients, system);
  let count = 0;
  const roles = new Map<string, string>();
  const server = createServer(async (incoming, response) => {
    const key = /Credential=([^/]+)\/[^/]+\/[^/]+\/([^/]+)\//.exec(incoming.headers.authorization ?? '');
    const [, accessKey = '', service = ''] = key ?? [];
    count += 1;
    const what = middle(service, count);
    if (what === 'broken') return incoming.socket.destroy();
    if (what === 'busy') return response.writeHead(503).end();
    const who = roles.get(accessKey);
    if (who !== undefined && !mayDo(who, service, incoming)) return refuse(service, response);
    if (service === 's3') return answerS3(system.s3, incoming, response);
    const body = await buffer(incoming);
    if (service === 'batch') return answerBatch(system.batch, incoming, body.toString(), response);
    if (service === 'states') return answerStates(system.states, incoming, body.toString(), response);
    if (service === 'ecs') return machines.ecs(incoming, body, response);
    if (service === 'ec2') return machines.ec2(body, response);
    pass({ incoming, body, response, to: moto.url }, (answer) => {
      const assumed = /<AccessKeyId>(\w+)</.exec(answer)?.[1];
      const role = /RoleName=([^&]+)/.exec(body.toString())?.[1];
      const policy = /PolicyArn=[^&]*?(Researcher|Operator)/.exec(body.toString())?.[1];
      if (body.includes('Action=AttachRolePolicy') && role !== undefined) attached.set(role, policy ?? '');
      if (assumed !== undefined)
        roles.set(assumed, attached.get(/assumed-role\/([^/<]+)/.exec(answer)?.[1] ?? '') ?? '');
    });
  });
  const attached = new Map<string, string>();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    system,
    /** What a process is led here with. */
    environment: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'k',
      AWS_SECRET_ACCESS_KEY: 's',
    },
    calls: () => count,
    /** What of `prove`'s is there. */
    left: async () => {
      const live = await Promise.all(
        (['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'] as const).map((jobStatus) =>
          system.batch.listJobs({ jobQueue: 'local', jobStatus }),
        ),
      );
      const { Contents = [] } = await system.s3.listObjectsV2({ Bucket: system.bucket });
      return [
        ...live.flatMap(({ jobSummaryList = [] }) => jobSummaryList.map(({ jobName }) => `job ${jobName}`)),
        ...Contents.map(({ Key = '' }) => Key).filter((key) => /^(manifests|runs|inputs)\//.test(key)),
        ...((await clients.events.send(new ListRulesCommand({}))).Rules ?? []).map(
          ({ Name }) => `rule ${Name}`,
        ),
        ...((await clients.queues.send(new ListQueuesCommand({}))).QueueUrls ?? []),
        ...((await clients.iam.send(new ListRolesCommand({}))).Roles ?? []).map(
          ({ RoleName }) => `role ${RoleName}`,
        ),
      ];
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await system.close();
      await moto.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Clients = {
  formation: CloudFormationClient;
  events: EventBridgeClient;
  iam: IAMClient;
  queues: SQSClient;
};

async function makeStack(
  { formation, iam }: Clients,
  { deployment, bucket }: Awaited<ReturnType<typeof startQuietSystem>>,
): Promise<void> {
  const policies: Record<string, string> = {};
  for (const name of POLICIES) {
    const statement = { Effect: 'Allow', Action: 'batch:DescribeJobs', Resource: '*' };
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: name, PolicyDocument }));
    policies[`${name}PolicyArn`] = Policy?.Arn ?? '';
  }
  const outputs = {
    BucketName: bucket,
    StateMachineArn: deployment.stateMachineArn,
    JobQueueArn: deployment.queues[deployment.defaultQueue]?.arn ?? '',
    JobDefinitionArn: deployment.jobDefinition,
    DefaultVcpus: '2',
    DefaultMemoryMiB: '1024',
    SshPort: '2222',
    JoinPort: '7741',
    NodeInstanceTypes: `c6i.4xlarge,${TYPE}`,
    ...policies,
  };
  const template = {
    Parameters: { MaxvCpus: { Type: 'Number', Default: 64 }, Gpus: { Type: 'String', Default: 'false' } },
    Resources: { Topic: { Type: 'AWS::SNS::Topic', Properties: { DisplayName: { Ref: 'MaxvCpus' } } } },
    Outputs: Object.fromEntries(
      Object.entries({ ...outputs, MaxvCpus: { Ref: 'MaxvCpus' } }).map(([name, Value]) => [name, { Value }]),
    ),
  };
  await formation.send(
    new CreateStackCommand({
      StackName: OWN,
      TemplateBody: JSON.stringify(template),
      Parameters: [
        { ParameterKey: 'MaxvCpus', ParameterValue: '64' },
        { ParameterKey: 'Gpus', ParameterValue: 'false' },
      ],
    }),
  );
}

/** EventBridge's part, which moto leaves to whoever calls PutEvents. */
async function deliver({ events, queues }: Clients, event: BusEvent): Promise<void> {
  for (const { Name } of (await events.send(new ListRulesCommand({}))).Rules ?? [])
    for (const { Arn = '' } of (await events.send(new ListTargetsByRuleCommand({ Rule: Name }))).Targets ??
      []) {
      const { QueueUrls: [QueueUrl] = [] } = await queues.send(
        new ListQueuesCommand({ QueueNamePrefix: Arn.split(':').at(-1) }),
      );
      if (QueueUrl !== undefined)
        await queues.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(event) }));
    }
}

function pass(
  {
    incoming,
    body,
    response,
    to,
  }: {
    incoming: IncomingMessage;
    body: Buffer;
    response: ServerResponse;
    to: string;
  },
  look: (answer: string) => void,
): void {
  const headers = { ...incoming.headers };
  const on = forward(`${to}${incoming.url}`, { method: incoming.method, headers }, async (answer) => {
    const bytes = await buffer(answer);
    look(bytes.toString());
    response.writeHead(answer.statusCode ?? 502, answer.headers).end(bytes);
  });
  on.on('error', () => response.destroy());
  on.end(body);
}

/** What the template's policies for people say of the calls that are tried. */
function mayDo(who: string, service: string, { method = '', url = '' }: IncomingMessage): boolean {
  const path = decodeURIComponent(url).replace(/^\/[^/]*\//, '');
  if (service === 's3') {
    if (method === 'PUT') return path.startsWith('inputs/') || path.startsWith('manifests/');
    if (method === 'DELETE') return who === 'Operator' && !path.startsWith('control/');
    return !path.startsWith('control/');
  }
  // Only a job with the tag of a run, which no job that does not exist has.
  if (url.endsWith('/terminatejob')) return false;
  if (service === 'batch') return who === 'Operator' || url.endsWith('/describejobs');
  return true;
}

function refuse(service: string, response: ServerResponse): void {
  if (service === 's3')
    response.writeHead(403).end('<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>');
  else
    response
      .writeHead(403, { 'x-amzn-errortype': 'AccessDeniedException' })
      .end(JSON.stringify({ message: 'not authorized' }));
}

const TYPE = 'c7i.4xlarge';

/** The nodes of the local system as ECS's tasks and EC2's instances, one of each a node. */
class Machines {
  readonly #stop = new Map<string, (exit?: NodeExit) => void>();

  async kind(): Promise<KindOfNodes> {
    return {
      make: (settings) => {
        const nodes = new ProcessNodes(settings);
        const start: typeof nodes.start = async (spec) => {
          const name = `${spec.jobId}-${spec.attempt}-${spec.index}`;
          const node = await nodes.start(spec);
          let lost: NodeExit | undefined;
          const exited = node.exited.then((exit) => {
            this.#stop.delete(name);
            return lost ?? exit;
          });
          this.#stop.set(name, (exit) => {
            lost = exit;
            if (exit === undefined) node.terminate();
            else node.kill();
          });
          return { ...node, exited };
        };
        return { start, killNode: nodes.killNode, killAll: () => nodes.killAll() };
      },
      sshPort: await portFrom(2222),
      joinPort: await portFrom(7741),
    };
  }

  ecs({ headers }: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const asked: { task?: string; containerInstances?: string[] } = JSON.parse(body.toString());
    const name = (asked.task ?? asked.containerInstances?.[0] ?? '').split('/').at(-1) ?? '';
    const isStop = String(headers['x-amz-target']).endsWith('StopTask');
    if (isStop) this.#stop.get(name)?.();
    const answer = isStop ? {} : { containerInstances: [{ ec2InstanceId: `i-${hex(name)}` }] };
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  }

  ec2(body: Buffer, response: ServerResponse): void {
    const form = new URLSearchParams(body.toString());
    const id = form.get('InstanceId.1') ?? '';
    const action = form.get('Action') ?? '';
    if (action === 'TerminateInstances')
      for (const [name, stop] of this.#stop)
        if (`i-${hex(name)}` === id) stop({ statusReason: `Host EC2 (instance ${id}) terminated.` });
    const instance = `<item><instanceId>${id}</instanceId><instanceType>${TYPE}</instanceType><instanceState><code>16</code><name>running</name></instanceState></item>`;
    const set = `<reservationSet><item><instancesSet>${instance}</instancesSet></item></reservationSet>`;
    response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end(`<${action}Response><requestId>r</requestId>${set}</${action}Response>`);
  }
}

function hex(name: string): string {
  return Buffer.from(name).toString('hex').slice(-17).padStart(17, '0');
}
