import type { Place } from './place.ts';

/** Whether a security group lets the nodes in on a port. */
export function opens(place: Place, port: string, group: string): boolean {
  return place
    .others('AWS::EC2::SecurityGroupIngress')
    .some(
      (rule) =>
        rule.text('GroupId') === group &&
        rule.text('SourceSecurityGroupId') === '<NodeSecurityGroup>' &&
        rule.number('FromPort') <= Number(port) &&
        Number(port) <= rule.number('ToPort'),
    );
}
