import type { Check } from './finding.ts';
import { named, ofType } from './finding.ts';
import { at, listAt, textAt, textsAt } from './json.ts';

const FUNCTION_ROLES = ['Ingest', 'Submit', 'Settle', 'Collect'].map((name) => `<${name}Role.Arn>`);

/** The bucket: the only store. */
export const checkBucket: Check = ({ stack }, found) => {
  const { properties, whole } = named(stack, 'Bucket');
  const on = (holds: boolean, code: string, message: string) => found.expect(holds, code, 'Bucket', message);
  on(
    textAt(whole, 'DeletionPolicy') === 'Retain' && textAt(whole, 'UpdateReplacePolicy') === 'Retain',
    'bucket-not-kept',
    'results would go with the stack',
  );
  on(
    textAt(properties, 'VersioningConfiguration', 'Status') === 'Enabled',
    'no-versions',
    'a manifest that is overwritten before it is read would be another run',
  );
  on(
    textAt(properties, 'NotificationConfiguration', 'EventBridgeConfiguration', 'EventBridgeEnabled') ===
      'true',
    'no-eventbridge',
    'dropping a manifest would do nothing',
  );
  on(
    ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'].every(
      (name) => textAt(properties, 'PublicAccessBlockConfiguration', name) === 'true',
    ),
    'public-access',
    'public access is not blocked',
  );
  on(
    listAt(properties, 'BucketEncryption', 'ServerSideEncryptionConfiguration').length > 0,
    'no-encryption',
    'objects are not encrypted',
  );
  const rules = listAt(properties, 'LifecycleConfiguration', 'Rules').filter(
    (rule) => textAt(rule, 'Status') === 'Enabled',
  );
  const expiring = rules
    .filter((rule) => textAt(rule, 'NoncurrentVersionExpiration', 'NoncurrentDays') === '1')
    .map((rule) => textAt(rule, 'Prefix'));
  for (const key of ['runs/', 'runs.html', 'control/', 'inputs/', 'rejected/'])
    on(
      expiring.some((prefix) => key.startsWith(prefix)),
      'versions-kept',
      `old versions of ${key} are kept for ever`,
    );
  on(
    expiring.every((prefix) => !'manifests/'.startsWith(prefix)),
    'manifest-versions-lost',
    'a run is named after a version of its manifest',
  );
  on(
    rules.every(
      (rule) =>
        at(rule, 'ExpirationInDays') === undefined || /^(runs|rejected)\/$/.test(textAt(rule, 'Prefix')),
    ),
    'results-expire',
    'a rule deletes more than run folders and rejections',
  );
  const denials = listAt(named(stack, 'BucketPolicy').properties, 'PolicyDocument', 'Statement').filter(
    (statement) => textAt(statement, 'Effect') === 'Deny',
  );
  on(
    denials.some(
      (statement) =>
        textAt(statement, 'Condition', 'Bool', 'aws:SecureTransport') === 'false' &&
        textAt(statement, 'Principal') === '*',
    ),
    'bucket-without-tls',
    'the policy lets plain HTTP through',
  );
  const manifests = denials.find((statement) =>
    textsAt(statement, 'Resource').includes('<Bucket.Arn>/manifests/*'),
  );
  on(
    textsAt(manifests, 'Action').includes('s3:PutObject') &&
      [...FUNCTION_ROLES, '<JobRole.Arn>'].every((role) =>
        textsAt(manifests, 'Principal', 'AWS').includes(role),
      ),
    'system-writes-manifests',
    'a manifest that the system wrote would start a run that writes another',
  );
  const control = denials.find((statement) =>
    textsAt(statement, 'Resource').includes('<Bucket.Arn>/control/*'),
  );
  const allowed = textsAt(control, 'Condition', 'ArnNotEquals', 'aws:PrincipalArn');
  on(
    ['s3:GetObject', 's3:GetObjectVersion'].every((action) => textsAt(control, 'Action').includes(action)) &&
      textAt(control, 'Principal') === '*',
    'control-open',
    'task tokens lie under control/',
  );
  on(
    allowed.length === FUNCTION_ROLES.length && FUNCTION_ROLES.every((role) => allowed.includes(role)),
    'control-readers',
    'control/ is for the four functions, all of them and nobody else',
  );
};

/** Shared storage and the network that reaches it. */
export const checkStorage: Check = ({ stack }, found) => {
  for (const { name, properties, whole } of ofType(stack, 'AWS::EFS::FileSystem')) {
    found.expect(
      textAt(properties, 'ThroughputMode') === 'elastic',
      'efs-throughput',
      name,
      'bursting credits run out in the middle of a run',
    );
    found.expect(
      textAt(properties, 'Encrypted') === 'true',
      'no-encryption',
      name,
      'it cannot be encrypted later',
    );
    found.expect(
      textAt(whole, 'DeletionPolicy') === 'Retain',
      'storage-not-kept',
      name,
      'workspaces would go with the stack',
    );
    const statements = listAt(properties, 'FileSystemPolicy', 'Statement');
    found.expect(
      statements.some(
        (statement) =>
          textAt(statement, 'Effect') === 'Deny' &&
          textAt(statement, 'Condition', 'Bool', 'aws:SecureTransport') === 'false',
      ),
      'efs-policy-without-tls',
      name,
      'the policy lets clients without TLS in',
    );
    const targets = ofType(stack, 'AWS::EFS::MountTarget');
    found.expect(
      targets.some((target) => textAt(target.properties, 'FileSystemId') === `<${name}>`),
      'no-mount-target',
      name,
      'nobody can mount it',
    );
    const subnets = textsAt(named(stack, 'ComputeEnvironment').properties, 'ComputeResources', 'Subnets');
    found.expect(
      targets.every((target) => subnets.includes(textAt(target.properties, 'SubnetId'))),
      'mount-target-elsewhere',
      name,
      'there is no mount target where the nodes are',
    );
    found.expect(
      opens(stack, '2049', '<StorageSecurityGroup>'),
      'nfs-closed',
      name,
      'the hosts cannot reach port 2049',
    );
  }
  for (const { name, properties } of ofType(stack, 'AWS::EFS::AccessPoint')) {
    const [uid, gid] = ['Uid', 'Gid'].map((id) => textAt(properties, 'PosixUser', id));
    found.expect(
      uid === textAt(properties, 'RootDirectory', 'CreationInfo', 'OwnerUid') &&
        gid === textAt(properties, 'RootDirectory', 'CreationInfo', 'OwnerGid'),
      'access-point-owner',
      name,
      'nodes could not write into the folder',
    );
    found.expect(
      textAt(properties, 'RootDirectory', 'Path') !== '/',
      'access-point-root',
      name,
      'the root of a file system belongs to root',
    );
  }
};

/** Who reaches whom. */
export const checkNetwork: Check = ({ stack }, found) => {
  const environment = named(stack, 'SettleFunction').properties;
  for (const [variable, code] of [
    ['SIERRA_BATCH_SSH_PORT', 'ssh-closed'],
    ['SIERRA_BATCH_JOIN_PORT', 'join-closed'],
  ] as const) {
    const port = textAt(environment, 'Environment', 'Variables', variable);
    found.expect(
      opens(stack, port, '<NodeSecurityGroup>'),
      code,
      'NodeSecurityGroup',
      `nodes cannot reach each other on port ${port}`,
    );
  }
  const inside = [
    ...ofType(stack, 'AWS::EC2::SecurityGroupIngress').map(({ name, properties }) => ({
      name,
      rule: properties,
    })),
    ...ofType(stack, 'AWS::EC2::SecurityGroup').flatMap(({ name, properties }) =>
      listAt(properties, 'SecurityGroupIngress').map((rule) => ({ name, rule })),
    ),
  ];
  for (const { name, rule } of inside)
    found.expect(
      textAt(rule, 'SourceSecurityGroupId') === '<NodeSecurityGroup>',
      'open-to-others',
      name,
      'nothing comes in but from the nodes’ own group',
    );
  for (const { name, properties } of ofType(stack, 'AWS::EC2::VPC')) {
    const endpoint = ofType(stack, 'AWS::EC2::VPCEndpoint').find((each) =>
      textAt(each.properties, 'ServiceName').endsWith('.s3'),
    );
    const tables = ofType(stack, 'AWS::EC2::RouteTable').map((table) => `<${table.name}>`);
    found.expect(
      textAt(properties, 'EnableDnsHostnames') === 'true' &&
        textAt(properties, 'EnableDnsSupport') === 'true',
      'no-dns',
      name,
      'mounting EFS needs its name',
    );
    found.expect(
      textAt(endpoint?.properties, 'VpcEndpointType') === 'Gateway' &&
        tables.every((table) => textsAt(endpoint?.properties, 'RouteTableIds').includes(table)),
      'no-s3-endpoint',
      name,
      'containers without an address reach S3 only by the gateway endpoint',
    );
    for (const subnet of ofType(stack, 'AWS::EC2::Subnet'))
      found.expect(
        ofType(stack, 'AWS::EC2::SubnetRouteTableAssociation').some(
          (each) => textAt(each.properties, 'SubnetId') === `<${subnet.name}>`,
        ),
        'subnet-without-routes',
        subnet.name,
        'it has the VPC’s main table, which leads nowhere',
      );
    const nodes = textAt(named(stack, 'ComputeEnvironment').properties, 'ComputeResources', 'Subnets', 0);
    const isPublic = nodes === '<PublicSubnet>';
    found.expect(
      !isPublic || textAt(named(stack, 'PublicSubnet').properties, 'MapPublicIpOnLaunch') === 'true',
      'hosts-cut-off',
      'PublicSubnet',
      'hosts could not register with ECS: instances would start, bill and never join',
    );
  }
};

function opens(stack: Parameters<Check>[0]['stack'], port: string, group: string): boolean {
  return ofType(stack, 'AWS::EC2::SecurityGroupIngress').some(
    ({ properties }) =>
      textAt(properties, 'GroupId') === group &&
      textAt(properties, 'SourceSecurityGroupId') === '<NodeSecurityGroup>' &&
      Number(textAt(properties, 'FromPort')) <= Number(port) &&
      Number(port) <= Number(textAt(properties, 'ToPort')),
  );
}
