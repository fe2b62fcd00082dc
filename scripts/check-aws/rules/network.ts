import type { Check } from '../template/finding.ts';
import { named, ofType } from '../template/finding.ts';
import { listAt, textAt, textsAt } from '../template/json.ts';
import { opens } from './security-groups.ts';

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
