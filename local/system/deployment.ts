import type { ContainerProperties, RegisterJobDefinitionCommandInput } from '@aws-sdk/client-batch';
import type { Deployment } from '../../experiment/deployment/deployment.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION } from '../aws/events/services.ts';

/** What `sam deploy` would have made, as it is called on this machine. */
export const LOCAL_BUCKET = 'sierra-batch-local';
const LOCAL_STATE_MACHINE = `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:sierra-batch`;
export const LOCAL_QUEUE = {
  name: 'local',
  arn: `arn:aws:batch:${LOCAL_REGION}:${LOCAL_ACCOUNT}:job-queue/local`,
  maxvCpus: 4096,
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
    queues: { [LOCAL_QUEUE.name]: { arn: LOCAL_QUEUE.arn, maxvCpus: LOCAL_QUEUE.maxvCpus } },
    defaultQueue: LOCAL_QUEUE.name,
    inputBuckets: [],
    defaults: { vcpus, memoryMiB: DEFAULT_MEMORY_MIB },
    sharedFolder,
    joinPort: JOIN_PORT,
    sshPort: SSH_PORT,
  };
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

/** One range over all nodes, however many a job has. */
export function multinodeDefinition(
  jobDefinitionName: string,
  container: ContainerProperties,
): RegisterJobDefinitionCommandInput {
  return {
    jobDefinitionName,
    type: 'multinode',
    nodeProperties: {
      numNodes: 1,
      mainNode: 0,
      nodeRangeProperties: [{ targetNodes: '0:', container }],
    },
  };
}

function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:sierra-batch-${name}`;
}
