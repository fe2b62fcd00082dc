import type { ContainerProperties, RegisterJobDefinitionCommandInput } from '@aws-sdk/client-batch';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import type { JobQueue } from '../aws/batch/fair-share.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/events/services.ts';

/** What `sam deploy` would have made, as it is called on this machine. */
export const LOCAL_BUCKET = 'sierra-batch-local';
const LOCAL_STATE_MACHINE = `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:sierra-batch`;
export const LOCAL_QUEUE = {
  name: 'local',
  arn: `arn:aws:batch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:job-queue/local`,
  maxvCpus: 4096,
  fairShare: true,
};
export const LOCAL_FUNCTIONS = {
  submit: functionArn('submit'),
  settle: functionArn('settle'),
  collect: functionArn('collect'),
};
/** 22 may be taken on this machine. */
export const SSH_PORT = 2222;
export const JOIN_PORT = 7741;
const DEFAULT_MEMORY_MIB = 1024;

/** What the functions know of where they are. @param sharedFolder absolute @param bucketUrl ends with a slash */
export function localDeployment(
  jobDefinition: string,
  vcpus: number,
  sharedFolder: string,
  bucketUrl: string,
): Deployment {
  return {
    bucket: LOCAL_BUCKET,
    bucketUrl,
    topicArn: `arn:aws:sns:${LOCAL_REGION}:${LOCAL_ACCOUNT}:sierra-batch`,
    stateMachineArn: LOCAL_STATE_MACHINE,
    jobDefinition,
    queues: queuesOf(LOCAL_QUEUE),
    defaultQueue: LOCAL_QUEUE.name,
    inputBuckets: [],
    defaults: { vcpus, memoryMiB: DEFAULT_MEMORY_MIB },
    sharedFolder,
    joinPort: JOIN_PORT,
    sshPort: SSH_PORT,
  };
}

/** A deployment's queue as the functions are told of it. */
export function queuesOf({ name, ...queue }: JobQueue): Deployment['queues'] {
  return { [name]: queue };
}

/** The job definition that every job overrides. */
export function localJobDefinition(vcpus: number): RegisterJobDefinitionCommandInput {
  return multinodeDefinition('sierra-batch', {
    image: 'this-machine',
    resourceRequirements: [
      { type: 'VCPU', value: String(vcpus) },
      { type: 'MEMORY', value: String(DEFAULT_MEMORY_MIB) },
    ],
  });
}

/** As template.yaml's: one range over all nodes, however many a job has. */
export function multinodeDefinition(
  jobDefinitionName: string,
  container: ContainerProperties,
): RegisterJobDefinitionCommandInput {
  return {
    jobDefinitionName,
    type: 'multinode',
    platformCapabilities: ['EC2'],
    propagateTags: true,
    timeout: { attemptDurationSeconds: 86_400 },
    retryStrategy: {
      attempts: 1,
      evaluateOnExit: [
        { onStatusReason: 'Host EC2*', action: 'RETRY' },
        { onReason: '*', action: 'EXIT' },
      ],
    },
    nodeProperties: {
      numNodes: 2,
      mainNode: 0,
      nodeRangeProperties: [{ targetNodes: '0:', container: { ...CONTAINER, ...container } }],
    },
  };
}

const CONTAINER: ContainerProperties = {
  instanceType: 'c6i.4xlarge',
  jobRoleArn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/job`,
  executionRoleArn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/execution`,
  privileged: false,
  resourceRequirements: [
    { type: 'VCPU', value: '16' },
    { type: 'MEMORY', value: '28672' },
  ],
  environment: [
    { name: 'AWS_REGION', value: LOCAL_REGION },
    { name: 'SIERRA_BATCH_SHARED', value: '/mnt/efs' },
    { name: 'SIERRA_BATCH_STOP_SECONDS', value: '30' },
  ],
  volumes: [
    {
      name: 'shared',
      efsVolumeConfiguration: {
        fileSystemId: 'fs-0123456789abcdef0',
        transitEncryption: 'ENABLED',
        authorizationConfig: { accessPointId: 'fsap-0123456789abcdef0', iam: 'ENABLED' },
      },
    },
  ],
  mountPoints: [{ sourceVolume: 'shared', containerPath: '/mnt/efs', readOnly: false }],
  linuxParameters: { sharedMemorySize: 1024 },
  ulimits: [{ name: 'nofile', softLimit: 65_536, hardLimit: 65_536 }],
  logConfiguration: {
    logDriver: 'awslogs',
    options: { 'awslogs-group': 'nodes', 'awslogs-region': LOCAL_REGION, 'awslogs-stream-prefix': 'node' },
  },
};

function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:sierra-batch-${name}`;
}
