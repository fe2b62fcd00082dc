import type { Table } from '../template/finding.ts';
import { each, one, table } from '../template/finding.ts';
import type { Place } from '../template/place.ts';
import { placesOf } from '../template/place.ts';
import { opens } from '../template/security-groups.ts';

/** Who reaches whom. */
export const NETWORK: readonly Table[] = [
  nodePort('ssh-closed', 'SIERRA_BATCH_SSH_PORT'),
  nodePort('join-closed', 'SIERRA_BATCH_JOIN_PORT'),
  table(
    (system) => [
      ...placesOf('AWS::EC2::SecurityGroupIngress')(system),
      ...placesOf('AWS::EC2::SecurityGroup')(system).flatMap((group) => group.parts('SecurityGroupIngress')),
    ],
    {
      'open-to-others': [
        'nothing comes in but from the nodes’ own group',
        (rule) => rule.text('SourceSecurityGroupId') === '<NodeSecurityGroup>',
      ],
    },
  ),
  each('AWS::EC2::VPC', {
    'no-dns': [
      'mounting EFS needs its name',
      (vpc) => vpc.text('EnableDnsHostnames') === 'true' && vpc.text('EnableDnsSupport') === 'true',
    ],
    'no-s3-endpoint': [
      'containers without an address reach S3 only by the gateway endpoint',
      (vpc) => {
        const endpoint = vpc
          .others('AWS::EC2::VPCEndpoint')
          .find((candidate) => candidate.text('ServiceName').endsWith('.s3'));
        const tables = vpc.others('AWS::EC2::RouteTable').map(({ name }) => `<${name}>`);
        return (
          endpoint?.text('VpcEndpointType') === 'Gateway' &&
          tables.every((name) => endpoint.texts('RouteTableIds').includes(name))
        );
      },
    ],
  }),
  each('AWS::EC2::VPCEndpoint', {
    's3-endpoint-open': [
      'tasks without a way to the Internet could send data to any bucket of the region',
      (endpoint) => endpoint.other('PrivateSubnet').has('VpcId') || !reachesAnyBucket(endpoint),
    ],
  }),
  table(ownNetworks('AWS::EC2::Subnet'), {
    'subnet-without-routes': [
      'it has the VPC’s main table, which leads nowhere',
      (subnet) =>
        subnet
          .others('AWS::EC2::SubnetRouteTableAssociation')
          .some((association) => association.text('SubnetId') === `<${subnet.name}>`),
    ],
  }),
  table((system) => placesOf('AWS::EC2::VPC')(system).map((vpc) => vpc.other('PublicSubnet')), {
    'hosts-cut-off': [
      'hosts could not register with ECS: instances would start, bill and never join',
      (subnet) =>
        subnet.other('ComputeEnvironment').text('ComputeResources', 'Subnets', 0) !== '<PublicSubnet>' ||
        subnet.text('MapPublicIpOnLaunch') === 'true',
    ],
  }),
];

/** The port that an environment variable of functions names is open between nodes. */
function nodePort(code: string, variable: string): Table {
  const portOf = (group: Place) => group.other('SettleFunction').text('Environment', 'Variables', variable);
  return one('NodeSecurityGroup', {
    [code]: [
      (port) => `nodes cannot reach each other on port ${port}`,
      (group) => opens(group, portOf(group), '<NodeSecurityGroup>') || [portOf(group)],
    ],
  });
}

/** Resources of a type where the network is the stack's own. */
function ownNetworks(type: string): (system: Place['system']) => Place[] {
  return (system) => placesOf('AWS::EC2::VPC')(system).flatMap((vpc) => vpc.others(type));
}

function reachesAnyBucket(endpoint: Place): boolean {
  const statements = endpoint.parts('PolicyDocument', 'Statement');
  const resources = statements.flatMap((statement) => statement.texts('Resource'));
  return statements.length === 0 || resources.some((resource) => /^(\*|arn:[^:]*:s3:::\*.*)$/.test(resource));
}
