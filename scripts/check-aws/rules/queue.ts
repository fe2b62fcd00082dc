import type { Check } from '../template/finding.ts';
import { named, ofType, referred } from '../template/finding.ts';
import { at, entriesAt, listAt, textAt, textsAt, textsOf } from '../template/json.ts';

/** The environment and its queue: what keeps jobs in RUNNABLE for ever, and what makes an update replace or kill. */
export const checkQueue: Check = ({ stack }, found) => {
  for (const { name, properties } of ofType(stack, 'AWS::Batch::ComputeEnvironment')) {
    const resources = at(properties, 'ComputeResources');
    found.expect(
      textAt(properties, 'Type').toUpperCase() === 'MANAGED',
      'unmanaged',
      name,
      'multi-node jobs need a managed environment',
    );
    found.expect(
      textAt(resources, 'Type') === 'EC2',
      'spot',
      name,
      'multi-node jobs never start on Spot or Fargate',
    );
    found.expect(
      textAt(resources, 'MinvCpus') === '0',
      'idle-instances',
      name,
      'instances would be paid for while nothing runs',
    );
    found.expect(
      textAt(resources, 'AllocationStrategy') === 'BEST_FIT_PROGRESSIVE',
      'allocation',
      name,
      'other strategies cannot be updated in place',
    );
    found.expect(
      textAt(properties, 'ReplaceComputeEnvironment') === 'false',
      'replaced-on-update',
      name,
      'an update would replace the environment',
    );
    found.expect(
      at(properties, 'ComputeEnvironmentName') === undefined &&
        at(properties, 'Tags') === undefined &&
        at(resources, 'Tags') === undefined,
      'physical-name',
      name,
      'names and tags make an update a replacement',
    );
    found.expect(
      at(properties, 'ServiceRole') === undefined,
      'service-role',
      name,
      'in-place updates need the service-linked role; a wrong one leaves what cannot be deleted',
    );
    const update = at(properties, 'UpdatePolicy');
    found.expect(
      textAt(update, 'TerminateJobsOnUpdate') === 'false' &&
        textAt(update, 'JobExecutionTimeoutMinutes') === '7200',
      'update-kills-jobs',
      name,
      'by default an update ends jobs after 30 minutes',
    );
    found.expect(
      referred(stack, textAt(resources, 'InstanceRole'))?.type === 'AWS::IAM::InstanceProfile',
      'role-for-profile',
      name,
      'InstanceRole is an instance profile',
    );
    found.expect(
      textsAt(resources, 'Subnets').some((subnet) => subnet !== ''),
      'no-subnets',
      name,
      'the environment has no subnet',
    );
    found.expect(
      textsAt(resources, 'SecurityGroupIds').includes('<NodeSecurityGroup>'),
      'no-group',
      name,
      'nodes could not reach each other',
    );
    const template = referred(stack, textAt(resources, 'LaunchTemplate', 'LaunchTemplateId'))?.properties;
    const data = at(template, 'LaunchTemplateData');
    found.expect(
      textAt(data, 'MetadataOptions', 'HttpTokens') === 'required',
      'imds-v1',
      name,
      'tasks could take the instance’s credentials',
    );
    const script = textAt(data, 'UserData');
    found.expect(
      script.includes('ECS_AWSVPC_BLOCK_IMDS=true'),
      'imds-open',
      name,
      'tasks could ask for the instance’s credentials',
    );
    found.expect(
      /^MIME-Version: 1\.0\nContent-Type: multipart\/mixed; boundary="(.+)"\n\n--\1\n[\s\S]*--\1--\n?$/.test(
        script,
      ),
      'user-data-not-mime',
      name,
      'Batch merges MIME parts only',
    );
  }
  const scheduling = new Set(ofType(stack, 'AWS::Batch::SchedulingPolicy').map(({ name }) => `<${name}>`));
  for (const { name, properties } of ofType(stack, 'AWS::Batch::JobQueue')) {
    found.expect(
      at(properties, 'JobQueueName') === undefined && at(properties, 'Tags') === undefined,
      'physical-name',
      name,
      'names and tags make an update a replacement',
    );
    found.expect(
      scheduling.has(textAt(properties, 'SchedulingPolicyArn')),
      'queue-without-shares',
      name,
      'the first job that cannot start would hold up all others, and functions send a share',
    );
    const limits = listAt(properties, 'JobStateTimeLimitActions');
    const reasons = textsOf(limits, 'Reason');
    for (const reason of STUCK)
      found.expect(
        reasons.includes(reason),
        'no-backstop',
        name,
        `${reason} would be waited for without end`,
      );
    found.expect(
      new Set(reasons).size === reasons.length &&
        limits.every(
          (limit) => STUCK.includes(textAt(limit, 'Reason')) && textAt(limit, 'Action') === 'CANCEL',
        ),
      'refused-backstop',
      name,
      'Batch takes three reasons, each once, with CANCEL, and refuses the queue for any other',
    );
    found.expect(
      limits.every(
        (limit) =>
          Number(textAt(limit, 'MaxTimeSeconds')) >= 600 && Number(textAt(limit, 'MaxTimeSeconds')) <= 86_400,
      ),
      'bad-backstop',
      name,
      'Batch takes 600 to 86,400 s',
    );
  }
  found.expect(
    entriesAt(named(stack, 'FairShare').properties, 'FairsharePolicy').length > 0,
    'queue-without-shares',
    'FairShare',
    'the scheduling policy is empty',
  );
};

const STUCK = [
  'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
  'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
  'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
];
