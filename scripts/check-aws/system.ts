import { ALARMS } from './rules/alarms.ts';
import { BUCKET } from './rules/bucket.ts';
import { DEFINITION } from './rules/definition.ts';
import { EVENTS } from './rules/events.ts';
import { FUNCTION_RULES } from './rules/functions.ts';
import { JOB_DEFINITION } from './rules/job-definition.ts';
import { NETWORK } from './rules/network.ts';
import { PARAMETERS } from './rules/parameters.ts';
import { PERMISSIONS } from './rules/permissions.ts';
import { QUEUE } from './rules/queue.ts';
import { STATE_MACHINE } from './rules/state-machine.ts';
import { STORAGE } from './rules/storage.ts';
import type { Finding, Table } from './template/finding.ts';
import { table } from './template/finding.ts';
import type { Json } from './template/json.ts';
import { stringsIn } from './template/json.ts';
import type { System } from './template/place.ts';
import { resolveTemplate } from './template/resolve.ts';

const TABLES: readonly Table[] = [
  ...PARAMETERS,
  ...JOB_DEFINITION,
  ...QUEUE,
  ...BUCKET,
  ...STORAGE,
  ...NETWORK,
  ...EVENTS,
  ...FUNCTION_RULES,
  ...ALARMS,
  ...DEFINITION,
  ...STATE_MACHINE,
  ...PERMISSIONS,
  // A reference to what this variant does not have would fail in the middle of a deployment.
  table(everyResource, {
    'dangling-reference': [
      (target, variant) => `there is no ${target} (${variant})`,
      ({ texts, stack }) =>
        texts
          .flatMap((text) => [...text.matchAll(/<([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?>/g)])
          .map(([, target = '']) => [target, stack.variant])
          .filter(([target = '']) => !stack.resources.has(target)),
    ],
  }),
];

/** The ways in which a stack can be made: each takes other conditions of the template. */
export const VARIANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'as it is': {},
  'with Internet': {
    Internet: 'true',
    PlacementGroup: 'true',
    NodeArchitecture: 'arm64',
    Email: 'a@example.org',
  },
  'in another network': {
    VpcId: 'vpc-0123456789abcdef0',
    SubnetIds: 'subnet-0123456789abcdef0',
    InstanceTypes: 'c7i.8xlarge,c7i.4xlarge',
  },
  'with storage, buckets and queues of others': {
    VpcId: 'vpc-0123456789abcdef0',
    SubnetIds: 'subnet-0123456789abcdef0,subnet-0456789abcdef0123',
    FileSystemId: 'fs-0123456789abcdef0',
    InstanceTypes: 'g5.2xlarge',
    Gpus: 'true',
    InputBuckets: 'one,two',
    RunRetentionDays: '90',
    Queues: '"gpu":{"arn":"arn:aws:batch:eu-central-1:123456789012:job-queue/gpu","maxvCpus":64}',
    QueueArns: 'arn:aws:batch:eu-central-1:123456789012:job-queue/gpu',
  },
};

/** Every mistake that our own checks find in a template with its state machine, in each of its variants, each once. */
export function checkSystem(template: Json, asl: Json): Finding[] {
  const all = Object.entries(VARIANTS).flatMap(([variant, parameters]) => {
    const stack = resolveTemplate(template, variant, parameters);
    return TABLES.flatMap((rules) => rules.find({ stack, asl }));
  });
  return [
    ...new Map(
      all.map((finding) => [`${finding.code} ${finding.where} ${finding.message}`, finding]),
    ).values(),
  ];
}

/** Every rule with its reason. */
export function listRules(): string[] {
  return [...new Set(TABLES.flatMap(({ reasons }) => reasons.map(([code, reason]) => `${code}: ${reason}`)))];
}

function everyResource({ stack }: System) {
  return [...stack.resources.values()].map(({ name, whole, properties }) => ({
    name,
    texts: [...stringsIn(whole), ...stringsIn(properties)],
    stack,
  }));
}
