import type { Check } from '../template/finding.ts';
import { named, ofType, referred } from '../template/finding.ts';
import { listAt, textAt, textsAt } from '../template/json.ts';
import { opens } from './security-groups.ts';

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
      /^Retain/.test(textAt(whole, 'DeletionPolicy')) && textAt(whole, 'UpdateReplacePolicy') === 'Retain',
      'storage-not-kept',
      name,
      'workspaces would go with the stack',
    );
    found.expect(
      textAt(whole, 'DeletionPolicy') !== 'Retain',
      'storage-left-over',
      name,
      'each first deployment that fails would leave an empty one behind',
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
    const zoneOf = (subnet: string) =>
      textAt(referred(stack, subnet)?.properties, 'AvailabilityZone') || subnet;
    const zones = subnets.map(zoneOf);
    const places = targets.map((target) => textAt(target.properties, 'SubnetId'));
    found.expect(
      places.every((subnet) => zones.includes(zoneOf(subnet))),
      'mount-target-elsewhere',
      name,
      'there is no mount target where the nodes are',
    );
    found.expect(
      places.every((subnet) => subnet === '<PublicSubnet>' || !stack.resources.has('PublicSubnet')),
      'mount-target-moves',
      name,
      'turning Internet on or off would make a second one in the same zone, which EFS refuses',
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
      uid !== '0' && gid !== '0',
      'root-on-storage',
      name,
      'EFS makes root nobody unless a role has elasticfilesystem:ClientRootAccess, and none has',
    );
    found.expect(
      textAt(properties, 'RootDirectory', 'Path') !== '/',
      'access-point-root',
      name,
      'the root of a file system belongs to root',
    );
  }
};
