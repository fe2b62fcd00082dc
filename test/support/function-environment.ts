import { BUCKET, QUEUE_ARN, STATE_MACHINE, TOPIC_ARN } from './control-plane.ts';

/** With the keys below. */
export const CALLERS = {
  owner: { accessKeyId: 'key', secretAccessKey: 'secret' },
  tasks: { accessKeyId: 'task', secretAccessKey: 'other' },
};

/** What the template gives the functions, and what Lambda adds. */
export const FUNCTION_ENVIRONMENT: Readonly<Record<string, string>> = {
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_LAMBDA_FUNCTION_NAME: 'sierra-batch',
  SIERRA_BATCH_BUCKET: BUCKET,
  SIERRA_BATCH_STATE_MACHINE: STATE_MACHINE,
  SIERRA_BATCH_JOB_DEFINITION: 'sierra-batch:1',
  SIERRA_BATCH_TOPIC: TOPIC_ARN,
  SIERRA_BATCH_QUEUES: JSON.stringify({ q: { arn: QUEUE_ARN, maxvCpus: 64, fairShare: true } }),
  SIERRA_BATCH_DEFAULT_QUEUE: 'q',
  SIERRA_BATCH_DEFAULT_VCPUS: '2',
  SIERRA_BATCH_DEFAULT_MEMORY_MIB: '1024',
};
