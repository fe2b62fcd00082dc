import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUCKET_RECORDS, writableByJobs } from '../../../experiment/bucket/catalogue.ts';
import { checkSystem } from '../../../scripts/check-aws/system.ts';
import type { Json } from '../../../scripts/check-aws/template/json.ts';
import { at, isRecord, textAt } from '../../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../../scripts/check-aws/template/read.ts';
import { starsWithoutReason } from '../../../scripts/check-aws/template/stars.ts';

const text = readFileSync(new URL('../../../template.yaml', import.meta.url), 'utf8');
const aslText = readFileSync(new URL('../../../statemachine/experiment.asl.json', import.meta.url), 'utf8');

type Path = readonly (string | number)[];
type Plant = (template: Json, asl: Json) => void;

/** Replaces what stands at a path; undefined takes it away. @throws Error where there is no such place */
function put(root: Json, path: Path, value: Json | undefined): void {
  const last = path.at(-1);
  const holder = at(root, ...path.slice(0, -1));
  if (Array.isArray(holder) && typeof last === 'number') {
    if (value === undefined) holder.splice(last, 1);
    else holder[last] = value;
  } else if (isRecord(holder) && typeof last === 'string') {
    if (value === undefined) delete holder[last];
    else holder[last] = value;
  } else throw new Error(`nothing is at ${path.join('.')}`);
}

const inResource =
  (name: string, path: Path, value: Json | undefined): Plant =>
  (template) =>
    put(template, ['Resources', name, 'Properties', ...path], value);
const inState =
  (path: Path, value: Json | undefined): Plant =>
  (_, asl) =>
    put(asl, ['States', ...path], value);
const ofResource =
  (name: string, key: string, value: Json | undefined): Plant =>
  (template) =>
    put(template, ['Resources', name, key], value);
const without =
  (name: string): Plant =>
  (template) =>
    put(template, ['Resources', name], undefined);

const ofParameter =
  (name: string, key: string, value: Json): Plant =>
  (template) =>
    put(template, ['Parameters', name, key], value);
const output =
  (name: string): Plant =>
  (template) =>
    put(template, ['Outputs', name], { Value: 'x' });
const both =
  (...plants: readonly Plant[]): Plant =>
  (template, asl) => {
    for (const plant of plants) plant(template, asl);
  };

const RANGE = ['NodeProperties', 'NodeRangeProperties', 0];
const CONTAINER = [...RANGE, 'Container'];
const EFS = [...CONTAINER, 'Volumes', 0, 'EfsVolumeConfiguration'];
const COMPUTE = ['ComputeResources'];
const SETTLE = ['PolicyDocument', 'Statement'];
const RECORDS = [...SETTLE, 3];
const ACTION_OF_ROLES = [...SETTLE, 5, 'Condition'];
const limits = (...given: readonly [action: string, reason: string][]) =>
  inResource(
    'JobQueue',
    ['JobStateTimeLimitActions'],
    [
      ...given,
      ['CANCEL', 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY'],
      ['CANCEL', 'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE'],
      ['CANCEL', 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT'],
    ].map(([Action = '', Reason = '']) => ({ State: 'RUNNABLE', MaxTimeSeconds: 86_400, Action, Reason })),
  );
const onlySubmits = (policy: string, path: Path) =>
  inResource(policy, [...path, 'Action'], 'batch:SubmitJob');
const deadLetterStatement = (index: number, value: Json | undefined) =>
  inResource('DeadLetterPolicy', [...SETTLE, index], value);

/** Mistakes that deploy without a word and fail later, each with the finding that must tell it. */
const MISTAKES: readonly [string, string, Plant][] = [
  [
    'a file system that lets the role in beside the access point',
    'storage-beside-access-point',
    inResource('FileSystem', ['FileSystemPolicy', 'Statement', 0, 'Effect'], 'Allow'),
  ],
  [
    'nodes whose image is never renewed',
    'old-image',
    inResource('ComputeEnvironment', [...COMPUTE, 'UpdateToLatestImageVersion'], undefined),
  ],
  [
    'nodes whose image is kept on purpose',
    'old-image',
    inResource('ComputeEnvironment', [...COMPUTE, 'UpdateToLatestImageVersion'], false),
  ],
  [
    'GPUs without their driver',
    'image-of-other-machines',
    inResource('ComputeEnvironment', [...COMPUTE, 'Ec2Configuration'], [{ ImageType: 'ECS_AL2023' }]),
  ],
  [
    'GPUs with a driver of an image that is not made any more',
    'image-of-other-machines',
    inResource('ComputeEnvironment', [...COMPUTE, 'Ec2Configuration', 0, 'ImageType'], {
      'Fn::If': ['GpuNodes', 'ECS_AL2_NVIDIA', 'ECS_AL2023'],
    }),
  ],
  [
    'images that Batch chooses',
    'image-of-other-machines',
    inResource('ComputeEnvironment', [...COMPUTE, 'Ec2Configuration'], undefined),
  ],
  ['queues that take plain HTTP', 'open-to-plain-http', deadLetterStatement(1, undefined)],
  [
    'a queue that takes plain HTTP',
    'open-to-plain-http',
    inResource('DeadLetterPolicy', ['Queues', 5], undefined),
  ],
  [
    'a refusal of plain HTTP that is not for all queues',
    'open-to-plain-http',
    inResource('DeadLetterPolicy', [...SETTLE, 1, 'Resource'], { 'Fn::GetAtt': ['JobChangedDead', 'Arn'] }),
  ],
  [
    'a topic with a statement that has no name',
    'statements-unnamed',
    inResource('TopicPolicy', [...SETTLE, 1, 'Sid'], undefined),
  ],
  [
    'queues with two statements of one name',
    'statements-unnamed',
    inResource('DeadLetterPolicy', [...SETTLE, 1, 'Sid'], 'Events'),
  ],
  [
    'one statement for two queues',
    'statement-of-many',
    inResource(
      'DeadLetterPolicy',
      [...SETTLE, 0, 'Resource'],
      [{ 'Fn::GetAtt': ['JobChangedDead', 'Arn'] }, { 'Fn::GetAtt': ['EveryMinuteDead', 'Arn'] }],
    ),
  ],
  [
    'one statement for a topic and another',
    'statement-of-many',
    inResource(
      'TopicPolicy',
      [...SETTLE, 0, 'Resource'],
      [{ Ref: 'Topic' }, 'arn:aws:sns:eu-west-1:1:other'],
    ),
  ],
  [
    'a refusal of plain HTTP for one service',
    'open-to-plain-http',
    inResource('DeadLetterPolicy', [...SETTLE, 1, 'Principal'], { Service: 'events.amazonaws.com' }),
  ],
  [
    'a refusal of TLS',
    'open-to-plain-http',
    inResource('TopicPolicy', [...SETTLE, 2, 'Condition'], { Bool: { 'aws:SecureTransport': 'true' } }),
  ],
  [
    'a topic that takes plain HTTP',
    'open-to-plain-http',
    inResource('TopicPolicy', [...SETTLE, 2], undefined),
  ],
  [
    'a refusal of plain HTTP to read what a topic is',
    'open-to-plain-http',
    inResource('TopicPolicy', [...SETTLE, 2, 'Action'], 'sns:GetTopicAttributes'),
  ],
  [
    'nodes that know less than their hosts give them to end',
    'stop-time-misdescribed',
    inResource('JobDefinition', [...CONTAINER, 'Environment', 2], undefined),
  ],
  [
    'nodes that plan with more than their hosts give them to end',
    'stop-time-misdescribed',
    inResource('JobDefinition', [...CONTAINER, 'Environment', 2, 'Value'], '300'),
  ],
  [
    'hosts that give containers what ECS does to end',
    'stop-time-misdescribed',
    (template) => {
      const path = ['Resources', 'LaunchTemplate', 'Properties', 'LaunchTemplateData', 'UserData'] as const;
      const data = textAt(template, ...path, 'Fn::Base64');
      put(template, path, { 'Fn::Base64': data.replace(/^.*STOP_TIMEOUT.*\n/m, '') });
    },
  ],
  [
    'an S3 endpoint to all buckets',
    's3-endpoint-open',
    inResource('S3Endpoint', ['PolicyDocument'], undefined),
  ],
  [
    'an S3 endpoint whose policy names every bucket',
    's3-endpoint-open',
    inResource('S3Endpoint', ['PolicyDocument'], {
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:*', Resource: ['*'] }],
    }),
  ],
  ['an output called as a list parameter is', 'name-of-a-list', output('InputBuckets')],
  ['another output called so', 'name-of-a-list', output('InstanceTypes')],
  [
    'a resource called as a list parameter is',
    'name-of-a-list',
    (template) => put(template, ['Resources', 'QueueArns'], { Type: 'AWS::SNS::Topic', Properties: {} }),
  ],
  [
    'a list of another kind',
    'name-of-a-list',
    both(ofParameter('Zone', 'Type', 'List<AWS::EC2::AvailabilityZone::Name>'), output('Zone')),
  ],
  [
    'a list from the parameter store',
    'name-of-a-list',
    both(ofParameter('Zone', 'Type', 'AWS::SSM::Parameter::Value<CommaDelimitedList>'), output('Zone')),
  ],
  [
    'machine types of a range of containers',
    'instance-types-of-a-range',
    inResource('JobDefinition', [...RANGE, 'InstanceTypes'], ['c6i.4xlarge']),
  ],
  [
    'machine types of the range instead of the container',
    'instance-types-of-a-range',
    both(
      inResource('JobDefinition', [...RANGE, 'InstanceTypes'], ['c6i.4xlarge']),
      inResource('JobDefinition', [...CONTAINER, 'InstanceType'], undefined),
    ),
  ],
  [
    'any machine type',
    'mixed-instance-types',
    inResource('JobDefinition', [...CONTAINER, 'InstanceType'], undefined),
  ],
  [
    'another machine type than the functions know',
    'machines-misdescribed',
    inResource('JobDefinition', [...CONTAINER, 'InstanceType'], 'c6i.8xlarge'),
  ],
  [
    'tags on the job alone',
    'may-not-tag',
    both(
      onlySubmits('SettlePolicy', [...SETTLE, 0]),
      inResource('SettlePolicy', [...SETTLE, 2, 'Action'], ['batch:TerminateJob', 'batch:TagResource']),
    ),
  ],
  ['no tags on queues of others', 'may-not-tag', onlySubmits('SettlePolicy', [...SETTLE, 1, 'Fn::If', 1])],
  ['no tags for operators', 'may-not-tag', onlySubmits('OperatorPolicy', [...SETTLE, 11])],
  ['a priority of every job', 'priority-for-all', inResource('JobDefinition', ['SchedulingPriority'], 0)],
  [
    'a queue that the functions take for first in, first out',
    'queue-misdescribed',
    (template) =>
      put(template, ['Globals', 'Function', 'Environment', 'Variables', 'SIERRA_BATCH_QUEUES'], {
        'Fn::Join': ['', ['{"default":{"maxvCpus":64,"arn":"', { Ref: 'JobQueue' }, '"}}']],
      }),
  ],
  [
    'a queue that the functions take for a fair one',
    'queue-misdescribed',
    inResource('JobQueue', ['SchedulingPolicyArn'], undefined),
  ],
  [
    'a reason that not every region has',
    'refused-backstop',
    limits(['CANCEL', 'MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED']),
  ],
  ['a sentence for a reason', 'refused-backstop', limits(['CANCEL', 'no machines for a day'])],
  ['a reason twice', 'refused-backstop', limits(['CANCEL', 'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT'])],
  [
    'a job that the queue terminates',
    'refused-backstop',
    inResource('JobQueue', ['JobStateTimeLimitActions', 0, 'Action'], 'TERMINATE'),
  ],
  [
    'roles that are passed to tasks alone',
    'passed-to-others',
    inResource('SettlePolicy', ACTION_OF_ROLES, {
      StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
    }),
  ],
  [
    'roles that are passed to Batch alone',
    'passed-to-others',
    inResource('SettlePolicy', ACTION_OF_ROLES, {
      StringEquals: { 'iam:PassedToService': ['batch.amazonaws.com'] },
    }),
  ],
  [
    'jobs of others that can be ended',
    'ends-jobs-of-others',
    inResource('SettlePolicy', [...SETTLE, 2, 'Condition'], undefined),
  ],
  [
    'roles that are passed to anybody',
    'passed-to-others',
    inResource('SettlePolicy', ACTION_OF_ROLES, undefined),
  ],
  ['a user of 0', 'root-on-storage', ofParameter('UserId', 'MinValue', 0)],
  [
    'a user without a least number',
    'root-on-storage',
    (template) => put(template, ['Parameters', 'UserId', 'MinValue'], undefined),
  ],
  [
    'root as the access point’s user and owner',
    'root-on-storage',
    both(
      inResource('AccessPoint', ['PosixUser'], { Uid: 0, Gid: 0 }),
      inResource('AccessPoint', ['RootDirectory', 'CreationInfo'], {
        OwnerUid: 0,
        OwnerGid: 0,
        Permissions: '0750',
      }),
    ),
  ],
  ['a gap in the node ranges', 'node-range', inResource('JobDefinition', [...RANGE, 'TargetNodes'], '1:')],
  ['a closed node range', 'node-range', inResource('JobDefinition', [...RANGE, 'TargetNodes'], '0:1')],
  ['the main node out of range', 'main-node', inResource('JobDefinition', ['NodeProperties', 'MainNode'], 7)],
  ['a single-node definition', 'multinode', inResource('JobDefinition', ['Type'], 'container')],
  [
    'an access point without TLS',
    'tls',
    inResource('JobDefinition', [...EFS, 'TransitEncryption'], 'DISABLED'),
  ],
  [
    'no access point',
    'access-point',
    inResource('JobDefinition', [...EFS, 'AuthorizationConfig'], undefined),
  ],
  ['EFS without IAM', 'iam', inResource('JobDefinition', [...EFS, 'AuthorizationConfig', 'Iam'], 'DISABLED')],
  [
    'a root directory beside an access point',
    'efs',
    inResource('JobDefinition', [...EFS, 'RootDirectory'], '/x'),
  ],
  [
    'a fixed port of the EFS helper',
    'efs',
    inResource('JobDefinition', [...EFS, 'TransitEncryptionPort'], 2999),
  ],
  [
    'a mount point that names no volume',
    'mount',
    inResource('JobDefinition', [...CONTAINER, 'MountPoints', 0, 'SourceVolume'], 'shred'),
  ],
  [
    'storage that is mounted elsewhere',
    'storage',
    inResource('JobDefinition', [...CONTAINER, 'MountPoints', 0, 'ContainerPath'], '/mnt/nfs'),
  ],
  [
    'storage that is read-only',
    'read-only',
    inResource('JobDefinition', [...CONTAINER, 'MountPoints', 0, 'ReadOnly'], true),
  ],
  [
    '64 MB of shared memory',
    'shared-memory',
    inResource('JobDefinition', [...CONTAINER, 'LinuxParameters'], undefined),
  ],
  [
    'no region in the containers',
    'region',
    inResource('JobDefinition', [...CONTAINER, 'Environment', 0], undefined),
  ],
  [
    'logs that go nowhere',
    'logs',
    inResource('JobDefinition', [...CONTAINER, 'LogConfiguration'], undefined),
  ],
  [
    'retry rules that end without a rule for all',
    'retr',
    inResource('JobDefinition', ['RetryStrategy', 'EvaluateOnExit', 1], undefined),
  ],
  [
    'an attempt of 5 seconds',
    'attempt',
    inResource('JobDefinition', ['Timeout', 'AttemptDurationSeconds'], 5),
  ],
  [
    'a definition that is deregistered by an update',
    'deregistered',
    inResource('JobDefinition', ['ResourceRetentionPolicy'], undefined),
  ],
  ['tags that do not reach the instances', 'tags', inResource('JobDefinition', ['PropagateTags'], false)],
  ['Spot', '', inResource('ComputeEnvironment', [...COMPUTE, 'Type'], 'SPOT')],
  [
    'a role where a profile belongs',
    'profile',
    inResource('ComputeEnvironment', [...COMPUTE, 'InstanceRole'], { 'Fn::GetAtt': ['InstanceRole', 'Arn'] }),
  ],
  ['instances that idle', 'idle', inResource('ComputeEnvironment', [...COMPUTE, 'MinvCpus'], 4)],
  [
    'an environment with a physical name',
    'physical-name',
    inResource('ComputeEnvironment', ['ComputeEnvironmentName'], 'mine'),
  ],
  [
    'an update that replaces the environment',
    'replaced',
    inResource('ComputeEnvironment', ['ReplaceComputeEnvironment'], true),
  ],
  ['an update that kills jobs', 'update', inResource('ComputeEnvironment', ['UpdatePolicy'], undefined)],
  [
    'a service role',
    'service-role',
    inResource('ComputeEnvironment', ['ServiceRole'], { 'Fn::GetAtt': ['InstanceRole', 'Arn'] }),
  ],
  ['no subnets', 'subnet', inResource('ComputeEnvironment', [...COMPUTE, 'Subnets'], [])],
  ['no security group', 'group', inResource('ComputeEnvironment', [...COMPUTE, 'SecurityGroupIds'], [])],
  ['a queue of first in, first out', 'shares', inResource('JobQueue', ['SchedulingPolicyArn'], undefined)],
  ['a queue without a backstop', 'backstop', inResource('JobQueue', ['JobStateTimeLimitActions'], undefined)],
  [
    'instance metadata of the first version',
    'imds',
    inResource('LaunchTemplate', ['LaunchTemplateData', 'MetadataOptions', 'HttpTokens'], 'optional'),
  ],
  ['ssh between nodes closed', 'ssh-closed', without('NodeSsh')],
  ['NFS closed to the nodes', 'nfs', without('StorageNfs')],
  [
    'storage that goes with the stack',
    'storage-not-kept',
    ofResource('FileSystem', 'DeletionPolicy', undefined),
  ],
  [
    'storage that a failed deployment leaves',
    'storage-left-over',
    ofResource('FileSystem', 'DeletionPolicy', 'Retain'),
  ],
  ['no mount target', 'mount-target', without('MountTarget')],
  [
    'a mount target in another zone',
    'mount-target-elsewhere',
    inResource('PrivateSubnet', ['AvailabilityZone'], 'eu-central-1c'),
  ],
  [
    'a mount target that moves with the nodes',
    'mount-target-moves',
    inResource('MountTarget', ['SubnetId'], {
      'Fn::If': ['Nat', { Ref: 'PrivateSubnet' }, { Ref: 'PublicSubnet' }],
    }),
  ],
  ['an access point of root', 'access-point', inResource('AccessPoint', ['PosixUser', 'Uid'], 0)],
  ['a function that a rule may not call', 'permission', without('JobChangedPermission')],
  [
    'an OR-ed event pattern',
    'event',
    inResource(
      'ManifestDropped',
      ['EventPattern', 'detail', 'object', 'key'],
      [{ prefix: 'manifests/' }, { suffix: '.yaml' }],
    ),
  ],
  [
    'an event pattern with a misspelt detail type',
    '',
    inResource('JobChanged', ['EventPattern', 'detail-type'], ['Batch Job State Changed']),
  ],
  [
    'no EventBridge on the bucket',
    'eventbridge',
    inResource('Bucket', ['NotificationConfiguration'], undefined),
  ],
  ['results that go with the stack', 'bucket-not-kept', ofResource('Bucket', 'DeletionPolicy', 'Delete')],
  [
    'a bucket that a failed deployment leaves',
    'bucket-left-over',
    ofResource('Bucket', 'DeletionPolicy', 'Retain'),
  ],
  [
    'marks of deleted objects that pile up',
    'marks-kept',
    inResource('Bucket', ['LifecycleConfiguration', 'Rules', 2, 'ExpiredObjectDeleteMarker'], undefined),
  ],
  [
    'a permission that nothing uses',
    'more-than-needed',
    inResource(
      'CollectRole',
      ['Policies', 0, 'PolicyDocument', 'Statement', 1, 'Action'],
      ['batch:DescribeJobs', 'states:DescribeExecution'],
    ),
  ],
  ['no versions in the bucket', 'versions', inResource('Bucket', ['VersioningConfiguration'], undefined)],
  [
    'a rule without dead letters',
    'dead-letters',
    inResource('JobChanged', ['Targets', 0, 'DeadLetterConfig'], undefined),
  ],
  ['a dead-letter queue that takes nothing', 'dead-letters', without('DeadLetterPolicy')],
  ['no minute', 'minute', without('EveryMinute')],
  [
    'the system may write manifests',
    'manifests',
    inResource('BucketPolicy', ['PolicyDocument', 'Statement', 1], undefined),
  ],
  [
    'control open to everybody who reads',
    'control',
    inResource('BucketPolicy', ['PolicyDocument', 'Statement', 2], undefined),
  ],
  ['plain HTTP', 'tls', inResource('BucketPolicy', ['PolicyDocument', 'Statement', 0], undefined)],
  [
    'tasks that may write anything under runs/',
    'tasks-write-records',
    inResource('BucketPolicy', ['PolicyDocument', 'Statement', 3], undefined),
  ],
  [
    'a policy on records that is not of the job’s role',
    'tasks-write-records',
    inResource('BucketPolicy', [...RECORDS, 'Principal', 'AWS'], 'arn:aws:iam::1:role/other'),
  ],
  ...writableByJobs().map((key, index): (typeof MISTAKES)[number] => [
    `a runner that may not write ${key}`,
    'tasks-write-records',
    inResource('BucketPolicy', [...RECORDS, 'NotResource', index], undefined),
  ]),
  ...BUCKET_RECORDS.filter(({ key, writers }) => key.startsWith('runs/') && !writers.includes('nodes')).map(
    ({ key }): (typeof MISTAKES)[number] => [
      `tasks that may write ${key}`,
      'tasks-write-records',
      inResource('BucketPolicy', [...RECORDS, 'NotResource', writableByJobs().length], {
        'Fn::Sub': `\${Bucket.Arn}/${key.replaceAll(/<[^>]*>/g, '*')}`,
      }),
    ],
  ),
  [
    'machines that the functions do not know',
    'machines-misdescribed',
    inResource('ComputeEnvironment', [...COMPUTE, 'InstanceTypes'], ['c6i.8xlarge']),
  ],
  [
    'a job definition by what its resource is called',
    'other-bucket',
    (template) =>
      put(template, ['Globals', 'Function', 'Environment', 'Variables', 'SIERRA_BATCH_JOB_DEFINITION'], {
        Ref: 'JobDefinition',
      }),
  ],
  ['a wrong handler', 'handler', inResource('SettleFunction', ['Handler'], 'settle.handler')],
  ['a function that outlives its state', 'outlives', inResource('SettleFunction', ['Timeout'], 600)],
  ['reserved concurrency', 'reserved', inResource('IngestFunction', ['ReservedConcurrentExecutions'], 5)],
  [
    'a misspelt substitution',
    'substitution',
    inResource('StateMachine', ['DefinitionSubstitutions'], { SubmitFunction: 'x' }),
  ],
  ['tokens in the logs', 'tokens', inResource('StateMachine', ['Logging', 'IncludeExecutionData'], true)],
  [
    'settle may not submit',
    'allowed',
    inResource('SettlePolicy', ['PolicyDocument', 'Statement', 0], undefined),
  ],
  [
    'a policy that allows everything of S3',
    'wildcard',
    inResource('JobRole', ['Policies', 0, 'PolicyDocument', 'Statement', 0, 'Action'], 's3:*'),
  ],
  [
    'a policy of AWS itself',
    'foreign',
    inResource('SettleRole', ['ManagedPolicyArns'], ['arn:aws:iam::aws:policy/AWSBatchFullAccess']),
  ],
  [
    'a condition that EventBridge never meets',
    'topic-condition',
    inResource('TopicPolicy', ['PolicyDocument', 'Statement', 1, 'Condition'], {
      StringEquals: { 'aws:SourceAccount': '123456789012' },
    }),
  ],
  ['an alarm that tells nobody', 'alarm', inResource('SettleSilentAlarm', ['AlarmActions'], undefined)],
  [
    'an alarm on a metric that nobody writes',
    'metric-unheard',
    inResource('StuckRunsAlarm', ['Dimensions', 0, 'Value'], 'settle'),
  ],
  [
    'silence that counts before settle was ever called',
    'silence-at-once',
    inResource('SettleSilentAlarm', ['TreatMissingData'], 'breaching'),
  ],
  [
    'missing data that means nothing',
    'silence-unheard',
    inResource('SettleSilentAlarm', ['TreatMissingData'], 'notBreaching'),
  ],
  [
    'missing data that nobody is told of',
    'silence-unheard',
    inResource('SettleSilentAlarm', ['InsufficientDataActions'], undefined),
  ],
  [
    'an alarm of silence that nobody is told of',
    'silence-unheard',
    inResource('SettleSilentAlarm', ['InsufficientDataActions'], ['arn:aws:sns:eu-central-1:1:other']),
  ],
  ['no alarm of failed runs', 'metric-unheard', without('FailedRunsAlarm')],
  [
    'events that may be put on no bus',
    'not-allowed',
    inResource('TellingPolicy', ['PolicyDocument', 'Statement', 0, 'Resource'], 'arn:aws:events:x:y:rule/z'),
  ],
  [
    'settle that may not call ingest for a manifest',
    'other-events',
    inResource('SettleRole', ['Policies', 0, 'PolicyDocument', 'Statement', 5], undefined),
  ],
  [
    'events that may be put under AWS’ name',
    'other-events',
    inResource('TellingPolicy', ['PolicyDocument', 'Statement', 0, 'Condition'], undefined),
  ],
  [
    'a search for manifests that may list none',
    'not-allowed',
    inResource('SettleRole', ['Policies', 0, 'PolicyDocument', 'Statement', 2], undefined),
  ],
  [
    'a rule that lets no event of settle’s through',
    'event-astray',
    inResource('ManifestDropped', ['EventPattern', 'source'], ['aws.s3']),
  ],
  [
    'a rule that calls ingest for what is told',
    'event-astray',
    inResource('ManifestDropped', ['EventPattern', 'detail-type'], undefined),
  ],
  ['mails that nobody may publish', 'not-allowed', without('TellingPolicy')],
  [
    'a misspelt suffix of a resource',
    'not-interpreted',
    inState(['Run', 'Resource'], 'arn:aws:states:::lambda:invoke.waitForTaskTokn'),
  ],
  ['no token in the payload', 'token', inState(['Run', 'Parameters', 'Payload', 'token.$'], undefined)],
  ['a token that nobody waits for', 'token', inState(['Run', 'Resource'], 'arn:aws:states:::lambda:invoke')],
  [
    'States.ALL that is not the last',
    'not-interpreted',
    inState(
      ['Collect', 'Retry'],
      [
        { ErrorEquals: ['States.ALL'], MaxAttempts: 1 },
        { ErrorEquals: ['States.Timeout'], MaxAttempts: 1 },
      ],
    ),
  ],
  [
    'States.ALL in company',
    'not-interpreted',
    inState(['Run', 'Catch', 0, 'ErrorEquals'], ['States.ALL', 'States.Timeout']),
  ],
  ['an error that nobody throws', 'error', inState(['Stop', 'Retry', 0, 'ErrorEquals'], ['StillStoping'])],
  ['a heartbeat', 'not-interpreted', inState(['Collect', 'HeartbeatSeconds'], 1200)],
  ['a choice without a default', 'not-interpreted', inState(['Outcome', 'Default'], undefined)],
  [
    'an operator that does not exist',
    'not-interpreted',
    inState(['Outcome', 'Choices', 0], {
      Variable: '$.result.outcome',
      StringEqual: 'succeeded',
      Next: 'Succeeded',
    }),
  ],
  ['a path that is only text', 'path-as-text', inState(['Stop', 'Parameters', 'Payload', 'stop'], '$.runId')],
  [
    'a text where a path belongs',
    'not-interpreted',
    inState(['Collect', 'Parameters', 'Payload', 'runId.$'], 'runId'),
  ],
  ['a state that does not exist', 'not-interpreted', inState(['Collect', 'Next'], 'Outcom')],
  ['a state without a time limit', 'timeout', inState(['Collect', 'TimeoutSeconds'], undefined)],
  ['an error that leaves the job alone', 'job', inState(['Run', 'Catch'], undefined)],
];

const deployed = { template: readTemplate(text), asl: JSON.parse(aslText) as Json };

function findings(plant: Plant = () => undefined): string[] {
  const { template, asl } = structuredClone(deployed);
  plant(template, asl);
  return checkSystem(template, asl).map(({ code, where, message }) => `${code} at ${where}: ${message}`);
}

describe('our own checks of template and state machine', () => {
  it('find nothing in what is deployed, in any of its variants', () => {
    expect(findings()).toEqual([]);
    expect(starsWithoutReason(text)).toEqual([]);
  });

  it.each(MISTAKES)('find %s', (_, code, plant) => {
    const found = findings(plant);
    expect(found.filter((finding) => finding.split(' ')[0]?.includes(code))).not.toEqual([]);
  });

  it('find a * for which no reason is given', () => {
    expect(starsWithoutReason(text.replace('# X-Ray knows no resource for these.', ''))).toHaveLength(1);
  });
});
