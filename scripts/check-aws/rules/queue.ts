import { hasGpus } from '../../../experiment/deployment/instance-gpus.ts';
import type { Table } from '../template/finding.ts';
import { each, one, table } from '../template/finding.ts';
import type { Place } from '../template/place.ts';
import { placesOf } from '../template/place.ts';

const STUCK = [
  'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
  'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
  'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
];
const MIME =
  /^MIME-Version: 1\.0\nContent-Type: multipart\/mixed; boundary="(.+)"\n\n--\1\n[\s\S]*--\1--\n?$/;

const limitsOf = (queue: Place) => queue.parts('JobStateTimeLimitActions');
const reasonsOf = (queue: Place) => limitsOf(queue).map((limit) => limit.text('Reason'));

/** The environment and its queue: what keeps jobs in RUNNABLE for ever, and what makes an update replace or kill. */
export const QUEUE: readonly Table[] = [
  each('AWS::Batch::ComputeEnvironment', {
    unmanaged: [
      'multi-node jobs need a managed environment',
      (environment) => environment.text('Type').toUpperCase() === 'MANAGED',
    ],
    'replaced-on-update': [
      'an update would replace the environment',
      (environment) => environment.text('ReplaceComputeEnvironment') === 'false',
    ],
    'physical-name': [
      'names and tags make an update a replacement',
      (environment) =>
        !environment.has('ComputeEnvironmentName') &&
        !environment.has('Tags') &&
        !environment.has('ComputeResources', 'Tags'),
    ],
    'service-role': [
      'in-place updates need the service-linked role; a wrong one leaves what cannot be deleted',
      (environment) => !environment.has('ServiceRole'),
    ],
    'update-kills-jobs': [
      'by default an update ends jobs after 30 minutes',
      (environment) =>
        environment.text('UpdatePolicy', 'TerminateJobsOnUpdate') === 'false' &&
        environment.text('UpdatePolicy', 'JobExecutionTimeoutMinutes') === '7200',
    ],
  }),
  table(computeResources, {
    spot: ['multi-node jobs never start on Spot or Fargate', (machines) => machines.text('Type') === 'EC2'],
    'old-image': [
      'nodes would keep the image of the day when the environment was made',
      (machines) => machines.text('UpdateToLatestImageVersion') === 'true',
    ],
    'image-of-other-machines': [
      'GPUs are found only by nodes whose image has their driver, and other machines do without',
      (machines) => {
        const wanted = machines.texts('InstanceTypes').some(hasGpus) ? 'ECS_AL2023_NVIDIA' : 'ECS_AL2023';
        const images = machines.parts('Ec2Configuration').map((image) => image.text('ImageType'));
        return images.length === 1 && images[0] === wanted;
      },
    ],
    'idle-instances': [
      'instances would be paid for while nothing runs',
      (machines) => machines.text('MinvCpus') === '0',
    ],
    allocation: [
      'other strategies cannot be updated in place',
      (machines) => machines.text('AllocationStrategy') === 'BEST_FIT_PROGRESSIVE',
    ],
    'role-for-profile': [
      'InstanceRole is an instance profile',
      (machines) => machines.referred('InstanceRole')?.type === 'AWS::IAM::InstanceProfile',
    ],
    'no-subnets': [
      'the environment has no subnet',
      (machines) => machines.texts('Subnets').some((subnet) => subnet !== ''),
    ],
    'no-group': [
      'nodes could not reach each other',
      (machines) => machines.texts('SecurityGroupIds').includes('<NodeSecurityGroup>'),
    ],
  }),
  table(launchTemplates, {
    'imds-v1': [
      'tasks could take the instance’s credentials',
      (template) => template.text('MetadataOptions', 'HttpTokens') === 'required',
    ],
    'imds-open': [
      'tasks could ask for the instance’s credentials',
      (template) => template.text('UserData').includes('ECS_AWSVPC_BLOCK_IMDS=true'),
    ],
    'stop-time-misdescribed': [
      (host, told) => `hosts give a container ${host} s to end, and nodes get ${told}`,
      (template) => {
        const host = stopSecondsOf(template);
        const told = stopSecondsTold(template);
        return host === told || [[host, told]];
      },
    ],
    'user-data-not-mime': [
      'Batch merges MIME parts only',
      (template) => MIME.test(template.text('UserData')),
    ],
  }),
  each('AWS::Batch::JobQueue', {
    'physical-name': [
      'names and tags make an update a replacement',
      (queue) => !queue.has('JobQueueName') && !queue.has('Tags'),
    ],
    'queue-without-shares': [
      'the first job that cannot start would hold up all others, and functions send a share',
      (queue) => {
        const policies = queue.others('AWS::Batch::SchedulingPolicy').map(({ name }) => `<${name}>`);
        return policies.includes(queue.text('SchedulingPolicyArn'));
      },
    ],
    'no-backstop': [
      (reason) => `${reason} would be waited for without end`,
      (queue) => STUCK.filter((reason) => !reasonsOf(queue).includes(reason)),
    ],
    'refused-backstop': [
      'Batch takes three reasons, each once, with CANCEL, and refuses the queue for any other',
      (queue) =>
        new Set(reasonsOf(queue)).size === reasonsOf(queue).length &&
        limitsOf(queue).every(
          (limit) => STUCK.includes(limit.text('Reason')) && limit.text('Action') === 'CANCEL',
        ),
    ],
    'bad-backstop': [
      'Batch takes 600 to 86,400 s',
      (queue) =>
        limitsOf(queue).every(
          (limit) => limit.number('MaxTimeSeconds') >= 600 && limit.number('MaxTimeSeconds') <= 86_400,
        ),
    ],
  }),
  one('FairShare', {
    'queue-without-shares': [
      'the scheduling policy is empty',
      (policy) => policy.entries('FairsharePolicy').length > 0,
    ],
  }),
];

function computeResources(system: Place['system']): Place[] {
  return placesOf('AWS::Batch::ComputeEnvironment')(system).map((environment) =>
    environment.part(environment.at('ComputeResources')),
  );
}

/** What the launch template of each environment holds. */
function launchTemplates(system: Place['system']): Place[] {
  return computeResources(system).map((machines) =>
    machines.part(
      machines
        .part(machines.referred('LaunchTemplate', 'LaunchTemplateId')?.properties)
        .at('LaunchTemplateData'),
    ),
  );
}

/** What ECS's agent gives a container between SIGTERM and SIGKILL. */
function stopSecondsOf(template: Place): string {
  const [, count = '30', unit = 's'] =
    /\bECS_CONTAINER_STOP_TIMEOUT=(\d+)([sm])\b/.exec(template.text('UserData')) ?? [];
  return String(Number(count) * (unit === 'm' ? 60 : 1));
}

function stopSecondsTold(template: Place): string {
  const [definition] = template.others('AWS::Batch::JobDefinition');
  const variables = definition?.parts('NodeProperties', 'NodeRangeProperties', 0, 'Container', 'Environment');
  const told = variables?.find((variable) => variable.text('Name') === 'SIERRA_BATCH_STOP_SECONDS');
  return told?.text('Value') ?? '30';
}
