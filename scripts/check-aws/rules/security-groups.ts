import { ofType } from '../template/finding.ts';
import { textAt } from '../template/json.ts';
import type { Stack } from '../template/resolve.ts';

/** Whether a security group lets the nodes in on a port. */
export function opens(stack: Stack, port: string, group: string): boolean {
  return ofType(stack, 'AWS::EC2::SecurityGroupIngress').some(
    ({ properties }) =>
      textAt(properties, 'GroupId') === group &&
      textAt(properties, 'SourceSecurityGroupId') === '<NodeSecurityGroup>' &&
      Number(textAt(properties, 'FromPort')) <= Number(port) &&
      Number(port) <= Number(textAt(properties, 'ToPort')),
  );
}
