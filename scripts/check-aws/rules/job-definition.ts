import type { Check } from '../template/finding.ts';
import { ofType, referred } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { at, listAt, textAt, textsOf } from '../template/json.ts';

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
    found.expect(
      at(properties, 'SchedulingPriority') === undefined,
      'priority-for-all',
      name,
      'a queue without a scheduling policy refuses a job with a priority: submissions set it where it belongs',
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
        at(range, 'InstanceTypes') === undefined,
        'instance-types-of-a-range',
        name,
        'Batch takes a range’s InstanceTypes with EcsProperties only',
      );
      found.expect(
        textAt(range, 'Container', 'InstanceType') !== '',
        'mixed-instance-types',
        name,
        'nodes must have equal CPU counts: the container names one type',
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
