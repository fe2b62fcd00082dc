import type { Table } from '../template/finding.ts';
import { each } from '../template/finding.ts';
import { textAt } from '../template/json.ts';
import type { Place } from '../template/place.ts';
import { referred } from '../template/resolve.ts';
import { opens } from '../template/security-groups.ts';

/** Shared storage and the network that reaches it. */
export const STORAGE: readonly Table[] = [
  each('AWS::EFS::FileSystem', {
    'efs-throughput': [
      'bursting credits run out in the middle of a run',
      (fs) => fs.text('ThroughputMode') === 'elastic',
    ],
    'no-encryption': ['it cannot be encrypted later', (fs) => fs.text('Encrypted') === 'true'],
    'storage-not-kept': ['workspaces would go with the stack', (fs) => fs.isKept()],
    'storage-left-over': [
      'each first deployment that fails would leave an empty one behind',
      (fs) => !fs.isLeftOver(),
    ],
    'efs-policy-without-tls': [
      'the policy lets clients without TLS in',
      (fs) =>
        fs
          .parts('FileSystemPolicy', 'Statement')
          .some(
            (statement) =>
              statement.text('Effect') === 'Deny' &&
              statement.text('Condition', 'Bool', 'aws:SecureTransport') === 'false',
          ),
    ],
    'storage-beside-access-point': [
      'EFS lets in whom this policy allows, with or without the access point that the role is held to',
      (fs) =>
        fs.parts('FileSystemPolicy', 'Statement').every((statement) => statement.text('Effect') === 'Deny'),
    ],
    'no-mount-target': [
      'nobody can mount it',
      (fs) => mountTargets(fs).some((target) => target.text('FileSystemId') === `<${fs.name}>`),
    ],
    'mount-target-elsewhere': [
      'there is no mount target where the nodes are',
      (fs) => {
        const nodes = fs.other('ComputeEnvironment').texts('ComputeResources', 'Subnets');
        const zones = nodes.map((subnet) => zoneOf(fs, subnet));
        return mountTargets(fs).every((target) => zones.includes(zoneOf(fs, target.text('SubnetId'))));
      },
    ],
    'mount-target-moves': [
      'turning Internet on or off would make a second one in the same zone, which EFS refuses',
      (fs) =>
        !fs.system.stack.resources.has('PublicSubnet') ||
        mountTargets(fs).every((target) => target.text('SubnetId') === '<PublicSubnet>'),
    ],
    'nfs-closed': ['the nodes cannot reach port 2049', (fs) => opens(fs, '2049', '<StorageSecurityGroup>')],
  }),
  each('AWS::EFS::AccessPoint', {
    'access-point-owner': [
      'nodes could not write into the folder',
      (point) =>
        ['Uid', 'Gid'].every(
          (id) => point.text('PosixUser', id) === point.text('RootDirectory', 'CreationInfo', `Owner${id}`),
        ),
    ],
    'root-on-storage': [
      'EFS makes root nobody unless a role has elasticfilesystem:ClientRootAccess, and none has',
      (point) => ['Uid', 'Gid'].every((id) => point.text('PosixUser', id) !== '0'),
    ],
    'access-point-root': [
      'the root of a file system belongs to root',
      (point) => point.text('RootDirectory', 'Path') !== '/',
    ],
  }),
];

const mountTargets = (place: Place) => place.others('AWS::EFS::MountTarget');

function zoneOf({ system }: Place, subnet: string): string {
  return textAt(referred(system.stack, subnet)?.properties, 'AvailabilityZone') || subnet;
}
