/** Of AWS's own processors: the digit of the family is followed by a g (`c7gn`, `x2gd`, `g5g`, and no `g4dn`). */
const ARM = /^(a1|[a-z]+\d+g[a-z]*|[a-z0-9]+-gb\d+|default_arm64)(\.|$)/;

/** One without the other is left out by the template, or rolls the stack back. */
const PAIRS = [
  ['VpcId', 'SubnetIds', 'a network of your own is both'],
  ['Queues', 'QueueArns', 'the system may use what both name'],
] as const;

/** Parameters that are fine each by itself and not together: nodes would not start, or the stack be rolled back. Pure. */
export function contradictions(value: (name: string) => string, types: readonly string[]): string[] {
  const architecture = value('NodeArchitecture');
  const foreign = types.filter((type) => ARM.test(type) !== (architecture === 'arm64'));
  const other = architecture === 'arm64' ? 'x86_64' : 'arm64';
  const [first = ''] = types;
  const several = value('SubnetIds').includes(',') && value('FileSystemId') === '';
  return [
    ...(foreign.length === 0
      ? []
      : [
          `InstanceTypes has ${foreign.join(', ')}, of another architecture than the nodes' image (${architecture}): name types of one architecture, and NodeArchitecture=${other} if it is theirs.`,
        ]),
    ...(first.includes('.')
      ? []
      : [
          `InstanceTypes begins with ${first}, and ${first} is no size: all nodes of a run have the same one. Name it, as in c6i.4xlarge.`,
        ]),
    ...PAIRS.flatMap(([one, two, why]) => {
      const [given, missing] = value(one) === '' ? [two, one] : [one, two];
      return value(given) === '' || value(missing) !== ''
        ? []
        : [`${given} without ${missing}: ${why}. Give both, or neither.`];
    }),
    ...(several
      ? [
          'There are several SubnetIds, and storage would be in the zone of the first only: give FileSystemId as well, or one subnet.',
        ]
      : []),
  ];
}
