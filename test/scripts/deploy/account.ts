import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  BatchClient,
  DescribeComputeEnvironmentsCommand,
  DescribeJobDefinitionsCommand,
  ListJobsCommand,
} from '@aws-sdk/client-batch';
import type { ResourceChange, StackStatus } from '@aws-sdk/client-cloudformation';
import {
  CloudFormationClient,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  ListChangeSetsCommand,
} from '@aws-sdk/client-cloudformation';
import type { DescribeInstanceTypeOfferingsCommandInput } from '@aws-sdk/client-ec2';
import { DescribeInstanceTypeOfferingsCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeImagesCommand, ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { GetRoleCommand, IAMClient, NoSuchEntityException } from '@aws-sdk/client-iam';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { onTestFinished } from 'vitest';
import { readDeployOptions } from '../../../scripts/deploy/arguments.ts';
import { runDeployment } from '../../../scripts/deploy/deploy.ts';
import { liveHands } from '../../../scripts/deploy/live.ts';
import type { Machine } from '../../../scripts/deploy/plan-deployment.ts';

const REPOSITORY = '1.dkr.ecr.eu-west-1.amazonaws.com/nodes';
const QUEUE = 'arn:aws:batch:eu-west-1:1:job-queue/q';
export const CHANGE_SETS = {
  old: 'arn:aws:cloudformation:eu-west-1:1:changeSet/samcli-deploy1/1',
  new: 'arn:aws:cloudformation:eu-west-1:1:changeSet/samcli-deploy2/2',
};
const TAG = '0.1.0-x86_64-abc';
const DEFAULTS = {
  MaxvCpus: '256',
  DefaultVcpus: '16',
  InstanceTypes: '',
  UserId: '1000',
  Image: '',
  NodeArchitecture: 'x86_64',
  ImageTag: 'unset',
  NodePrice: 'unknown',
  Gpus: 'false',
  Sierra: 'false',
  Zone: '',
  VpcId: '',
  SubnetIds: '',
  FileSystemId: '',
  Queues: '',
  QueueArns: '',
  Email: '',
};

export interface Account {
  /** Status of the stack; undefined where there is none. */
  stack?: StackStatus;
  /** Of the stack, as they were given before. */
  parameters?: Readonly<Record<string, string>>;
  /** Zones by type; eu-west-1a and b have every other. */
  offers?: Readonly<Record<string, readonly string[]>>;
  vpcs?: number;
  /** May not ask EC2. */
  refusesEc2?: boolean;
  vcpuQuota?: number;
  lambdaQuota?: number;
  missingRole?: string;
  jobs?: number;
  /** Tags in the repository. */
  images?: string[];
  /** What the deployment would change; without them sam makes no change set. */
  changes?: readonly ResourceChange[];
  environment?: 'VALID' | 'INVALID';
  signedOut?: boolean;
  /** The code of the system's error when it is connected to. */
  unreachable?: string;
  noSam?: boolean;
  samVersion?: string;
  /** What AWS's price list says of the nodes' type. */
  nodePrice?: number;
}

/**
 * One deployment against an account that the SDK's clients are told of, with a `sam`, a `docker` and a bundler that are
 * real programs on PATH and note what they are called with.
 */
export async function deployTo(account: Account, args: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'sbd-'));
  const notes = join(folder, 'calls');
  for (const name of ['sam', 'docker'])
    program(
      folder,
      name,
      `printf '%s' "${name}" >> "$NOTES"; printf ' <%s>' "$@" >> "$NOTES"; echo >> "$NOTES"`,
    );
  const path = process.env.PATH;
  process.env.PATH = `${folder}${delimiter}${path}`;
  process.env.NOTES = notes;
  onTestFinished(() => {
    process.env.PATH = path;
    delete process.env.NOTES;
    rmSync(folder, { recursive: true, force: true });
  });
  const mocks = mockAccount(account);
  const request = readDeployOptions(args, Object.keys(DEFAULTS));
  if (request.kind !== 'deploy') throw new Error(JSON.stringify(request));
  const said: string[] = [];
  const complained: string[] = [];
  const note = (line: string) => writeFileSync(notes, `${line}\n`, { flag: 'a' });
  const machine: Machine = {
    architecture: 'x86_64',
    sam:
      account.noSam === true
        ? { ok: false, why: 'not installed' }
        : { ok: true, version: `SAM CLI, version ${account.samVersion ?? '1.170.0'}` },
    builder: { ok: true, builder: 'docker' },
  };
  const exitCode = await runDeployment({
    options: request.options,
    defaults: DEFAULTS,
    machine,
    hands: {
      ...liveHands(request.options, machine, (line) => said.push(line)),
      bundle: async () => note('bundle'),
      imageTag: (settings) => mocks.nextImage(settings.sierra ? `${TAG}-sierra` : TAG),
      pushImage: (_, repository) => {
        note(`push ${repository}`);
        mocks.pushed();
      },
      sleep: async () => undefined,
      priceOf: async () => account.nodePrice,
    },
    connect: async () => ({ clients: mocks.clients, region: 'eu-west-1' }),
    complain: (line) => complained.push(line),
  });
  const calls = existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : [];
  return { exitCode, said, complained: complained.join('\n'), calls, ...mocks };
}

function program(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

function mockAccount(account: Account) {
  const region = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  const clients = {
    sts: new STSClient(region),
    batch: new BatchClient(region),
    cloudFormation: new CloudFormationClient(region),
    ec2: new EC2Client(region),
    ecr: new ECRClient(region),
    iam: new IAMClient(region),
    quotas: new ServiceQuotasClient(region),
  };
  const images = new Set(account.images);
  let tag = TAG;
  const sts = mockClient(clients.sts).on(GetCallerIdentityCommand);
  if (account.signedOut === true) sts.rejects(named('ExpiredToken', 'the token has run out'));
  else if (account.unreachable !== undefined)
    sts.rejects(
      Object.assign(named('Error', 'getaddrinfo sts.eu-west-1.amazonaws.com'), { code: account.unreachable }),
    );
  else sts.resolves({ Account: '1', Arn: 'arn:aws:iam::1:user/a' });
  const quotas = mockClient(clients.quotas);
  quotas
    .on(GetServiceQuotaCommand, { ServiceCode: 'ec2' })
    .resolves({ Quota: { Value: account.vcpuQuota ?? 1000 } });
  // A new account has none of these machines.
  for (const QuotaCode of ['L-DB2E81BA', 'L-417A185B'])
    quotas.on(GetServiceQuotaCommand, { ServiceCode: 'ec2', QuotaCode }).resolves({ Quota: { Value: 0 } });
  quotas
    .on(GetServiceQuotaCommand, { ServiceCode: 'lambda' })
    .resolves({ Quota: { Value: account.lambdaQuota ?? 1000 } });
  quotas.on(GetServiceQuotaCommand, { ServiceCode: 'vpc' }).resolves({ Quota: { Value: 5 } });
  const ec2 = mockClient(clients.ec2).rejects(named('UnauthorizedOperation', 'no'));
  if (account.refusesEc2 !== true) {
    ec2.on(DescribeVpcsCommand).resolves({
      Vpcs: Array.from({ length: account.vpcs ?? 1 }, (_, index) => ({ VpcId: `vpc-${index}` })),
    });
    ec2
      .on(DescribeInstanceTypeOfferingsCommand)
      .callsFake((asked: DescribeInstanceTypeOfferingsCommandInput) => ({
        InstanceTypeOfferings: (asked.Filters?.[0]?.Values ?? []).flatMap((InstanceType) =>
          (account.offers?.[InstanceType] ?? ['eu-west-1b', 'eu-west-1a']).map((Location) => ({
            InstanceType,
            Location,
            LocationType: asked.LocationType,
          })),
        ),
      }));
  }
  const iam = mockClient(clients.iam);
  iam.on(GetRoleCommand).callsFake(({ RoleName }: { RoleName: string }) => {
    if (RoleName === account.missingRole) throw new NoSuchEntityException({ message: 'no', $metadata: {} });
    const Arn = `arn:aws:iam::1:role/${RoleName}`;
    return { Role: { Path: '/', RoleName, RoleId: 'AROA0123456789ABCDEF', Arn, CreateDate: new Date(0) } };
  });
  const batch = mockClient(clients.batch);
  batch.on(ListJobsCommand).resolves({ jobSummaryList: [] });
  batch.on(ListJobsCommand, { jobQueue: QUEUE, jobStatus: 'RUNNING' }).resolves({
    jobSummaryList: Array.from({ length: account.jobs ?? 0 }, (_, index) => ({
      jobId: String(index),
      jobName: `sweep-${index}`,
    })),
  });
  batch.on(DescribeComputeEnvironmentsCommand).resolves({
    computeEnvironments: [
      {
        computeEnvironmentName: 'c',
        computeEnvironmentArn: 'c',
        status: account.environment ?? 'VALID',
        statusReason: 'CLIENT_ERROR',
      },
    ],
  });
  batch.on(DescribeJobDefinitionsCommand).callsFake(() => ({
    jobDefinitions: [
      {
        jobDefinitionName: 'n',
        jobDefinitionArn: 'd',
        revision: 1,
        type: 'multinode',
        status: 'ACTIVE',
        nodeProperties: {
          numNodes: 2,
          mainNode: 0,
          nodeRangeProperties: [{ targetNodes: '0:', container: { image: `${REPOSITORY}:${tag}` } }],
        },
      },
    ],
  }));
  const ecr = mockClient(clients.ecr);
  ecr.on(DescribeImagesCommand).callsFake(({ imageIds }: { imageIds: { imageTag: string }[] }) => {
    if (!images.has(imageIds[0]?.imageTag ?? '')) throw named('ImageNotFoundException', 'no such image');
    return { imageDetails: [{}] };
  });
  ecr.on(GetAuthorizationTokenCommand).resolves({
    authorizationData: [{ authorizationToken: Buffer.from('AWS:secret').toString('base64') }],
  });
  const cloudFormation = mockClient(clients.cloudFormation);
  const made = (StackStatus: StackStatus) => ({
    Stacks: [
      {
        StackName: 's',
        CreationTime: new Date(0),
        StackStatus,
        Parameters: Object.entries(account.parameters ?? {}).map(([ParameterKey, ParameterValue]) => ({
          ParameterKey,
          ParameterValue,
        })),
        Outputs: [
          { OutputKey: 'RepositoryUri', OutputValue: REPOSITORY },
          { OutputKey: 'JobQueueArn', OutputValue: QUEUE },
          { OutputKey: 'BucketName', OutputValue: 'lab' },
        ],
      },
    ],
  });
  const described = cloudFormation.on(DescribeStacksCommand);
  if (account.stack === undefined)
    described
      .rejectsOnce(named('ValidationError', 'Stack with id s does not exist'))
      .resolves(made('CREATE_COMPLETE'));
  else described.resolves(made(account.stack));
  const Status = 'CREATE_COMPLETE';
  const old = {
    ChangeSetId: CHANGE_SETS.old,
    ChangeSetName: 'samcli-deploy1',
    Status,
    CreationTime: new Date(1),
  } as const;
  const fresh = {
    ChangeSetId: CHANGE_SETS.new,
    ChangeSetName: 'samcli-deploy2',
    Status,
    CreationTime: new Date(2),
  } as const;
  cloudFormation
    .on(ListChangeSetsCommand)
    .resolvesOnce({ Summaries: [old] })
    .resolves({ Summaries: account.changes === undefined ? [old] : [old, fresh] });
  cloudFormation
    .on(DescribeChangeSetCommand)
    .resolves({ Changes: (account.changes ?? []).map((ResourceChange) => ({ ResourceChange })) });
  const nextImage = (name: string) => {
    tag = name;
    return name;
  };
  return { clients, iam, cloudFormation, nextImage, pushed: () => images.add(tag) };
}

function named(name: string, message: string): Error {
  const error = new Error(message);
  error.name = name;
  return error;
}
