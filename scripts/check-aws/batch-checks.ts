import type { Check } from './finding.ts';
import { named, ofType, referred } from './finding.ts';
import type { Json } from './json.ts';
import { at, entriesAt, listAt, textAt, textsAt } from './json.ts';

/** The multi-node definition: what Batch accepts and then never starts, or starts and never retries as meant. */
export const checkJobDefinition: Check = ({ stack }, found) => {
  for (const { name, properties } of ofType(stack, 'AWS::Batch::JobDefinition')) {
    const nodes = at(properties, 'NodeProperties');
    const ranges = listAt(nodes, 'NodeRangeProperties');
    const count = Number(textAt(nodes, 'NumNodes'));
    found.expect(
      textAt(properties, 'Type') === 'multinode',
      'not-multinode',
      name,
      'a run needs a multi-node job',
    );
    found.expect(
      ranges.length <= 5 && coversOnce(textsOf(ranges, 'TargetNodes'), count),
      'node-range-gap',
      name,
      'each node must lie in exactly one range',
    );
    found.expect(
      ranges.length === 1 && textAt(ranges[0], 'TargetNodes') === '0:',
      'node-range-not-open',
      name,
      'SubmitJob overrides numNodes and the range `0:`: the definition must have that one',
    );
    const main = Number(textAt(nodes, 'MainNode'));
    found.expect(
      Number.isInteger(main) && main >= 0 && main < count,
      'main-node-out-of-range',
      name,
      'the main node is not one of the nodes',
    );
    found.expect(main === 0, 'main-node-not-0', name, 'the runner calls node 0 the main node');
    const seconds = Number(textAt(properties, 'Timeout', 'AttemptDurationSeconds'));
    found.expect(seconds >= 60, 'attempt-too-short', name, 'Batch takes 60 s and more');
    found.expect(
      textAt(properties, 'PropagateTags') === 'true',
      'tags-not-propagated',
      name,
      'costs would not be found by tag',
    );
    found.expect(
      textAt(properties, 'ResourceRetentionPolicy', 'SkipDeregisterOnUpdate') === 'true',
      'deregistered-on-update',
      name,
      'an update of the stack would kill runs that are pinned to the old revision',
    );
    const rules = listAt(properties, 'RetryStrategy', 'EvaluateOnExit');
    const last = rules.at(-1);
    found.expect(
      rules.length <= 5 &&
        textAt(last, 'OnReason') === '*' &&
        textAt(last, 'Action').toUpperCase() === 'EXIT',
      'retry-without-end',
      name,
      'no rule that holds means retry: the last must be {OnReason: "*", Action: EXIT}',
    );
    found.expect(
      rules.slice(0, -1).every((rule) => textAt(rule, 'OnReason') !== '*'),
      'retry-rule-shadowed',
      name,
      'the rules behind one that always holds are never read',
    );
    const attempts = Number(textAt(properties, 'RetryStrategy', 'Attempts'));
    found.expect(attempts >= 1 && attempts <= 10, 'bad-attempts', name, 'attempts are 1 to 10');
    for (const range of ranges) {
      found.expect(
        listAt(range, 'InstanceTypes').length === 1,
        'mixed-instance-types',
        name,
        'nodes must have equal CPU counts: one type a range',
      );
      checkContainer(stack, name, at(range, 'Container'), found);
    }
  }
};

function checkContainer(
  stack: Parameters<Check>[0]['stack'],
  name: string,
  container: Json | undefined,
  found: Parameters<Check>[1],
): void {
  const volumes = listAt(container, 'Volumes');
  const volumeNames = textsOf(volumes, 'Name');
  const mounts = listAt(container, 'MountPoints');
  const environment = new Map(
    listAt(container, 'Environment').map((entry) => [textAt(entry, 'Name'), textAt(entry, 'Value')]),
  );
  found.expect(
    mounts.length > 0 && mounts.every((mount) => volumeNames.includes(textAt(mount, 'SourceVolume'))),
    'mount-without-volume',
    name,
    'a mount point names no volume of the definition',
  );
  found.expect(
    mounts.every((mount) => textAt(mount, 'ReadOnly') !== 'true'),
    'storage-read-only',
    name,
    'nodes write to shared storage',
  );
  const shared = environment.get('SIERRA_BATCH_SHARED') ?? '';
  found.expect(
    mounts.some((mount) => textAt(mount, 'ContainerPath') === shared),
    'storage-not-where-said',
    name,
    `SIERRA_BATCH_SHARED is ${shared}, and nothing is mounted there`,
  );
  for (const volume of volumes) {
    const efs = at(volume, 'EfsVolumeConfiguration');
    if (efs === undefined) continue;
    const point = textAt(efs, 'AuthorizationConfig', 'AccessPointId');
    found.expect(
      textAt(efs, 'TransitEncryption') === 'ENABLED',
      'efs-without-tls',
      name,
      'an access point or IAM requires TransitEncryption: ENABLED',
    );
    found.expect(
      referred(stack, point)?.type === 'AWS::EFS::AccessPoint',
      'efs-without-access-point',
      name,
      'without an access point the root of the file system belongs to root',
    );
    found.expect(
      textAt(efs, 'AuthorizationConfig', 'Iam') === 'ENABLED',
      'efs-without-iam',
      name,
      'whoever reaches the port could mount it',
    );
    found.expect(
      at(efs, 'RootDirectory') === undefined,
      'efs-root-directory',
      name,
      'with an access point leave RootDirectory out',
    );
    found.expect(
      at(efs, 'TransitEncryptionPort') === undefined,
      'efs-fixed-port',
      name,
      'two mounts on one host would want the same port',
    );
  }
  found.expect(
    environment.has('AWS_REGION'),
    'no-region',
    name,
    'ECS on EC2 does not set AWS_REGION, and the runner needs it',
  );
  found.expect(
    [...environment.keys()].every((key) => !key.startsWith('AWS_BATCH_')),
    'reserved-variable',
    name,
    'names that start with AWS_BATCH_ are reserved',
  );
  found.expect(
    Number(textAt(container, 'LinuxParameters', 'SharedMemorySize')) > 64,
    'small-shared-memory',
    name,
    '/dev/shm would have 64 MiB',
  );
  const kinds = textsOf(listAt(container, 'ResourceRequirements'), 'Type');
  found.expect(
    kinds.includes('VCPU') && kinds.includes('MEMORY'),
    'no-resources',
    name,
    'vCPUs and memory are required, also where a submission overrides them',
  );
  for (const role of ['JobRoleArn', 'ExecutionRoleArn']) {
    const resource = referred(stack, textAt(container, role));
    found.expect(
      resource?.type === 'AWS::IAM::Role' &&
        JSON.stringify(resource.properties).includes('ecs-tasks.amazonaws.com'),
      'role-not-for-tasks',
      `${name} ${role}`,
      'tasks cannot take this role on',
    );
  }
  found.expect(
    textAt(container, 'JobRoleArn') !== textAt(container, 'ExecutionRoleArn'),
    'shared-role',
    name,
    'tasks would get what only the agent needs',
  );
  found.expect(textAt(container, 'Privileged') !== 'true', 'privileged', name, 'nodes need no privileges');
  const group = textAt(container, 'LogConfiguration', 'Options', 'awslogs-group');
  found.expect(
    referred(stack, group)?.type === 'AWS::Logs::LogGroup',
    'logs-nowhere',
    name,
    'a group with a retention of its own',
  );
}

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

function textsOf(list: readonly Json[], key: string): string[] {
  return list.map((element) => textAt(element, key));
}

/** Whether `0:3`, `:n`, `n:`, `n` cover 0 … count - 1, each once. */
function coversOnce(ranges: readonly string[], count: number): boolean {
  const times = Array.from({ length: Math.max(0, count) }, () => 0);
  for (const range of ranges) {
    if (!/^(\d*:\d*|\d+)$/.test(range)) return false;
    const [from = '', to] = range.split(':');
    const first = Number(from || 0);
    const last = to === undefined ? first : Number(to || count - 1);
    for (let node = first; node <= last; node += 1) {
      const before = times[node];
      if (before === undefined) return false;
      times[node] = before + 1;
    }
  }
  return count > 0 && times.every((each) => each === 1);
}
