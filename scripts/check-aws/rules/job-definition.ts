import type { Table } from '../template/finding.ts';
import { each, table } from '../template/finding.ts';
import type { Place, System } from '../template/place.ts';
import { placesOf } from '../template/place.ts';

/** The multi-node definition: what Batch accepts and then never starts, or starts and never retries as meant. */
export const JOB_DEFINITION: readonly Table[] = [
  each('AWS::Batch::JobDefinition', {
    'not-multinode': ['a run needs a multi-node job', (job) => job.text('Type') === 'multinode'],
    'node-range-not-open': [
      'SubmitJob overrides numNodes and the range `0:`: the definition must have that one',
      (job) => rangesOf(job).length === 1 && rangesOf(job)[0] === '0:',
    ],
    'main-node-not-0': [
      'the runner calls node 0 the main node',
      (job) => job.number('NodeProperties', 'MainNode') === 0,
    ],
    'attempt-too-short': [
      'Batch takes 60 s and more',
      (job) => job.number('Timeout', 'AttemptDurationSeconds') >= 60,
    ],
    'tags-not-propagated': ['costs would not be found by tag', (job) => job.text('PropagateTags') === 'true'],
    'deregistered-on-update': [
      'an update of the stack would kill runs that are pinned to the old revision',
      (job) => job.text('ResourceRetentionPolicy', 'SkipDeregisterOnUpdate') === 'true',
    ],
    'priority-for-all': [
      'a queue without a scheduling policy refuses a job with a priority: submissions set it where it belongs',
      (job) => !job.has('SchedulingPriority'),
    ],
    'retry-without-end': [
      'no rule that holds means retry: the last must be {OnReason: "*", Action: EXIT}',
      (job) => {
        const last = retryRules(job).at(-1);
        return (
          retryRules(job).length <= 5 &&
          last?.text('OnReason') === '*' &&
          last.text('Action').toUpperCase() === 'EXIT'
        );
      },
    ],
    'retry-rule-shadowed': [
      'the rules behind one that always holds are never read',
      (job) =>
        retryRules(job)
          .slice(0, -1)
          .every((rule) => rule.text('OnReason') !== '*'),
    ],
    'bad-attempts': [
      'attempts are 1 to 10',
      (job) => job.number('RetryStrategy', 'Attempts') >= 1 && job.number('RetryStrategy', 'Attempts') <= 10,
    ],
  }),
  table(nodeRanges, {
    'instance-types-of-a-range': [
      'Batch takes a range’s InstanceTypes with EcsProperties only',
      (range) => !range.has('InstanceTypes'),
    ],
    'mixed-instance-types': [
      'nodes must have equal CPU counts: the container names one type',
      (range) => range.text('Container', 'InstanceType') !== '',
    ],
  }),
  table(containers, {
    'mount-without-volume': [
      'a mount point names no volume of the definition',
      (container) => {
        const volumes = container.parts('Volumes').map((volume) => volume.text('Name'));
        const mounts = container.parts('MountPoints');
        return mounts.length > 0 && mounts.every((mount) => volumes.includes(mount.text('SourceVolume')));
      },
    ],
    'storage-read-only': [
      'nodes write to shared storage',
      (container) => container.parts('MountPoints').every((mount) => mount.text('ReadOnly') !== 'true'),
    ],
    'storage-not-where-said': [
      (folder) => `SIERRA_BATCH_SHARED is ${folder}, and nothing is mounted there`,
      (container) => {
        const folder = sharedFolder(container);
        const places = container.parts('MountPoints').map((mount) => mount.text('ContainerPath'));
        return places.includes(folder) || [folder];
      },
    ],
    'no-region': [
      'ECS on EC2 does not set AWS_REGION, and the runner needs it',
      (container) => variablesOf(container).has('AWS_REGION'),
    ],
    'reserved-variable': [
      'names that start with AWS_BATCH_ are reserved',
      (container) => [...variablesOf(container).keys()].every((key) => !key.startsWith('AWS_BATCH_')),
    ],
    'small-shared-memory': [
      '/dev/shm would have 64 MiB',
      (container) => container.number('LinuxParameters', 'SharedMemorySize') > 64,
    ],
    'no-resources': [
      'vCPUs and memory are required, also where a submission overrides them',
      (container) => {
        const kinds = container.parts('ResourceRequirements').map((each) => each.text('Type'));
        return kinds.includes('VCPU') && kinds.includes('MEMORY');
      },
    ],
    'shared-role': [
      'tasks would get what only the agent needs',
      (container) => container.text('JobRoleArn') !== container.text('ExecutionRoleArn'),
    ],
    privileged: ['nodes need no privileges', (container) => container.text('Privileged') !== 'true'],
    'logs-nowhere': [
      'a group with a retention of its own',
      (container) =>
        container.referred('LogConfiguration', 'Options', 'awslogs-group')?.type === 'AWS::Logs::LogGroup',
    ],
  }),
  table(efsVolumes, {
    'efs-without-tls': [
      'an access point or IAM requires TransitEncryption: ENABLED',
      (volume) => volume.text('TransitEncryption') === 'ENABLED',
    ],
    'efs-without-access-point': [
      'without an access point the root of the file system belongs to root',
      (volume) => volume.referred('AuthorizationConfig', 'AccessPointId')?.type === 'AWS::EFS::AccessPoint',
    ],
    'efs-without-iam': [
      'whoever reaches the port could mount it',
      (volume) => volume.text('AuthorizationConfig', 'Iam') === 'ENABLED',
    ],
    'efs-root-directory': [
      'with an access point leave RootDirectory out',
      (volume) => !volume.has('RootDirectory'),
    ],
    'efs-fixed-port': [
      'two mounts on one host would want the same port',
      (volume) => !volume.has('TransitEncryptionPort'),
    ],
  }),
  table(rolesOfContainers, {
    'role-not-for-tasks': [
      'tasks cannot take this role on',
      ({ role }) =>
        role?.type === 'AWS::IAM::Role' &&
        JSON.stringify(role.properties).includes('ecs-tasks.amazonaws.com'),
    ],
  }),
];

const retryRules = (job: Place) => job.parts('RetryStrategy', 'EvaluateOnExit');

function rangesOf(job: Place): string[] {
  return job.parts('NodeProperties', 'NodeRangeProperties').map((range) => range.text('TargetNodes'));
}

function nodeRanges(system: System): Place[] {
  return placesOf('AWS::Batch::JobDefinition')(system).flatMap((job) =>
    job.parts('NodeProperties', 'NodeRangeProperties'),
  );
}

function containers(system: System): Place[] {
  return nodeRanges(system).map((range) => range.part(range.at('Container')));
}

function efsVolumes(system: System): Place[] {
  return containers(system)
    .flatMap((container) => container.parts('Volumes'))
    .filter((volume) => volume.has('EfsVolumeConfiguration'))
    .map((volume) => volume.part(volume.at('EfsVolumeConfiguration')));
}

function rolesOfContainers(system: System) {
  return containers(system).flatMap((container) =>
    ['JobRoleArn', 'ExecutionRoleArn'].map((key) => ({
      name: `${container.name} ${key}`,
      role: container.referred(key),
    })),
  );
}

function variablesOf(container: Place): ReadonlyMap<string, string> {
  return new Map(
    container.parts('Environment').map((entry) => [entry.text('Name'), entry.text('Value')] as const),
  );
}

function sharedFolder(container: Place): string {
  return variablesOf(container).get('SIERRA_BATCH_SHARED') ?? '';
}
