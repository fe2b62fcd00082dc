import type { RecordedCall } from '../../aws/calls/recorded-call.ts';

/** What a caller must be allowed, the resource named as the resolved template names it. */
export interface Need {
  action: string;
  resource: string;
}

/** What AWS asks of its caller's policies for a call. @throws Error for one that nobody has looked up */
export function needsOf({ service, operation, input }: RecordedCall): Need[] {
  const needs = NEEDS[`${service} ${operation}`];
  if (needs === undefined) throw new Error(`what AWS asks of ${service} ${operation} is not known here`);
  return needs(Object(input)).map(([action, resource]) => ({ action, resource: ofStack(resource) }));
}

type Pairs = readonly (readonly [action: string, resource: string])[];
interface Input {
  Key: string;
  VersionId?: string;
  IfMatch?: string;
  jobId: string;
  jobQueue: string;
  jobDefinition: string;
  jobDefinitionName: string;
  tags?: object;
  stateMachineArn: string;
  executionArn: string;
}

const object = ({ Key }: Input) => `<Bucket.Arn>/${Key}`;
const definition = (name: string) => `arn:aws:batch:r:000000000000:job-definition/${name}`;
const onAny = (action: string) => (): Pairs => [[action, '*']];
const NEEDS: Readonly<Record<string, (input: Input) => Pairs>> = {
  'S3 GetObject': (input) => [
    [input.VersionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion', object(input)],
  ],
  'S3 HeadObject': (input) => [['s3:GetObject', object(input)]],
  // A write that compares must be allowed to read what it compares with.
  'S3 PutObject': (input) => [
    ['s3:PutObject', object(input)],
    ...(input.IfMatch === undefined ? [] : [['s3:GetObject', object(input)] as const]),
  ],
  'S3 DeleteObject': (input) => [['s3:DeleteObject', object(input)]],
  'S3 ListObjectVersions': () => [['s3:ListBucketVersions', '<Bucket.Arn>']],
  'S3 ListObjectsV2': () => [['s3:ListBucket', '<Bucket.Arn>']],
  'Batch SubmitJob': ({ jobQueue, jobDefinition, tags }) =>
    ['batch:SubmitJob', ...(tags === undefined ? [] : ['batch:TagResource'])].flatMap((action) => [
      [action, jobQueue] as const,
      [action, jobDefinition] as const,
    ]),
  'Batch TerminateJob': ({ jobId }) => [['batch:TerminateJob', `arn:aws:batch:r:000000000000:job/${jobId}`]],
  'Batch DescribeJobs': onAny('batch:DescribeJobs'),
  'Batch ListJobs': onAny('batch:ListJobs'),
  'Batch DescribeJobDefinitions': onAny('batch:DescribeJobDefinitions'),
  'Batch RegisterJobDefinition': ({ jobDefinitionName, tags }) => [
    ['batch:RegisterJobDefinition', definition(jobDefinitionName)],
    ['iam:PassRole', '<JobRole.Arn>'],
    ['iam:PassRole', '<ExecutionRole.Arn>'],
    ...(tags === undefined ? [] : [['batch:TagResource', definition(jobDefinitionName)] as const]),
  ],
  'SFN StartExecution': ({ stateMachineArn }) => [['states:StartExecution', stateMachineArn]],
  'SFN DescribeExecution': ({ executionArn }) => [['states:DescribeExecution', executionArn]],
  'SFN SendTaskSuccess': onAny('states:SendTaskSuccess'),
  'EventBridge PutEvents': () => [['events:PutEvents', 'arn:aws:events:r:000000000000:event-bus/default']],
  'SNS Publish': () => [['sns:Publish', '<Topic>']],
};

/** From the names of a world of ours to those of the resolved template. */
function ofStack(resource: string): string {
  if (resource.includes(':job-queue/')) return '<JobQueue>';
  return resource
    .replace(/^arn:aws:([a-z]+):[^:]*:\d{12}:/, 'arn:aws:$1:eu-central-1:123456789012:')
    .replace(/(:job-definition\/)(simulated|sierra-batch)/, '$1stack-node')
    .replace(/:(stateMachine|execution):simulated/, ':$1:stack-experiment');
}
