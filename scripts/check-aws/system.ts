import { checkBucket } from './rules/bucket.ts';
import { checkAsl } from './rules/definition.ts';
import { checkEvents } from './rules/events.ts';
import { checkAlarms, checkFunctions } from './rules/functions.ts';
import { checkJobDefinition } from './rules/job-definition.ts';
import { checkNetwork } from './rules/network.ts';
import { checkParameters } from './rules/parameters.ts';
import { checkPermissions } from './rules/permissions.ts';
import { checkQueue } from './rules/queue.ts';
import { checkStateMachine } from './rules/state-machine.ts';
import { checkStorage } from './rules/storage.ts';
import type { Check, Finding } from './template/finding.ts';
import { Found } from './template/finding.ts';
import type { Json } from './template/json.ts';
import { stringsIn } from './template/json.ts';
import { resolveTemplate } from './template/resolve.ts';

const CHECKS: readonly Check[] = [
  checkParameters,
  checkJobDefinition,
  checkQueue,
  checkBucket,
  checkStorage,
  checkNetwork,
  checkEvents,
  checkFunctions,
  checkAlarms,
  checkAsl,
  checkStateMachine,
  checkPermissions,
  checkReferences,
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
    VpcId: 'vpc-0123',
    SubnetIds: 'subnet-0123',
    InstanceTypes: 'c7i.8xlarge,c7i.4xlarge',
  },
  'with storage, buckets and queues of others': {
    VpcId: 'vpc-0123',
    SubnetIds: 'subnet-0123,subnet-0456',
    FileSystemId: 'fs-0123',
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
    const found = new Found();
    for (const check of CHECKS) check({ stack, asl }, found);
    return found.findings;
  });
  return [
    ...new Map(
      all.map((finding) => [`${finding.code} ${finding.where} ${finding.message}`, finding]),
    ).values(),
  ];
}

/** A reference to what this variant does not have would fail in the middle of a deployment. */
function checkReferences({ stack }: Parameters<Check>[0], found: Found): void {
  for (const { name, whole, properties } of stack.resources.values())
    for (const text of [...stringsIn(whole), ...stringsIn(properties)])
      for (const [, target = ''] of text.matchAll(/<([A-Za-z0-9]+)(?:\.[A-Za-z.]+)?>/g))
        found.expect(
          stack.resources.has(target),
          'dangling-reference',
          name,
          `there is no ${target} (${stack.variant})`,
        );
}
