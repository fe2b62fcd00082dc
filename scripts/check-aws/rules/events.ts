import type { EventPattern } from '../../../local/aws/events/pattern.ts';
import { compilePattern } from '../../../local/aws/events/pattern.ts';
import type { Table } from '../template/finding.ts';
import { each, table } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { isRecord } from '../template/json.ts';
import type { Place, System } from '../template/place.ts';
import { placesOf } from '../template/place.ts';

const REGION_EVENTS = {
  'aws.s3': 'Object Created',
  'aws.batch': 'Batch Job State Change',
  'aws.states': 'Step Functions Execution Status Change',
  'sierra-batch': 'Manifest Overlooked',
} as const;

/** Events that the deployment's rules must let through to a function, and look-alikes that they must not. */
const SAMPLES: readonly { event: Json; to: string | undefined; what: string }[] = [
  { what: 'a manifest', event: dropped('<Bucket>', 'manifests/a/b.yaml'), to: 'IngestFunction' },
  { what: 'a manifest in .yml', event: dropped('<Bucket>', 'manifests/a.yml'), to: 'IngestFunction' },
  { what: 'a manifest in JSON', event: dropped('<Bucket>', 'manifests/a.json'), to: 'IngestFunction' },
  {
    what: 'a manifest whose event was lost',
    event: event('sierra-batch', aManifest('<Bucket>', 'manifests/a.yaml')),
    to: 'IngestFunction',
  },
  {
    what: 'what is sent about a manifest',
    event: {
      ...event('sierra-batch', aManifest('<Bucket>', 'manifests/a.yaml')),
      'detail-type': 'Experiment State Change',
    },
    to: undefined,
  },
  { what: 'the copy of a manifest', event: dropped('<Bucket>', 'runs/a/manifest.yaml'), to: undefined },
  { what: 'a note beside manifests', event: dropped('<Bucket>', 'manifests/readme.md'), to: undefined },
  { what: 'a manifest in another bucket', event: dropped('other', 'manifests/a.yaml'), to: undefined },
  {
    what: 'a job',
    event: event('aws.batch', { jobQueue: '<JobQueue>', status: 'RUNNING' }),
    to: 'SettleFunction',
  },
  {
    what: 'a job of another queue',
    event: event('aws.batch', { jobQueue: 'other', status: 'RUNNING' }),
    to: undefined,
  },
  {
    what: 'an execution',
    event: event('aws.states', { stateMachineArn: '<StateMachine>' }),
    to: 'SettleFunction',
  },
  {
    what: 'another machine’s execution',
    event: event('aws.states', { stateMachineArn: 'other' }),
    to: undefined,
  },
];

/** Rules, their targets' permissions and dead letters. */
export const EVENTS: readonly Table[] = [
  table(samples, {
    'event-astray': [
      (what, to, reached) => `${what} must reach ${to} and reaches ${reached}`,
      ({ what, to, targets }) => {
        const wanted = to === undefined ? [] : [`<${to}.Arn>`];
        const isRight =
          targets.length === wanted.length && targets.every((target) => wanted.includes(target));
        return isRight || [[what, to ?? 'nothing', targets.join(', ') || 'nothing']];
      },
    ],
  }),
  table((system) => [{ name: 'rules', rules: rulesOf(system) }], {
    'no-minute': [
      'an event that is lost would be lost for ever: settle must be called every minute',
      ({ rules }) =>
        rules.some(
          (rule) =>
            rule.text('ScheduleExpression') === 'rate(1 minute)' &&
            arnsOf(rule).includes('<SettleFunction.Arn>'),
        ),
    ],
  }),
  each('AWS::Events::Rule', {
    'rule-disabled': ['the rule does nothing', (rule) => (rule.at('State') ?? 'ENABLED') === 'ENABLED'],
  }),
  table(targetsOf, {
    'rule-without-dead-letters': [
      'an event is lost after 185 tries',
      (target) => target.referred('DeadLetterConfig', 'Arn')?.type === 'AWS::SQS::Queue',
    ],
    'dead-letters-closed': [
      'EventBridge may not write to the dead-letter queue',
      (target) =>
        target
          .others('AWS::SQS::QueuePolicy')
          .filter((policy) => policy.texts('Queues').includes(deadLetters(target).replace('.Arn', '')))
          .flatMap((policy) => policy.parts('PolicyDocument', 'Statement'))
          .some(
            (statement) =>
              statement.text('Effect') === 'Allow' &&
              statement.text('Principal', 'Service') === 'events.amazonaws.com' &&
              ['*', deadLetters(target)].some((each) => statement.texts('Resource').includes(each)) &&
              statement.texts('Condition', 'ArnEquals', 'aws:SourceArn').includes(`<${target.name}.Arn>`),
          ),
    ],
    'no-permission': [
      (called) => `the rule may not call ${called}`,
      (target) => {
        const called = target.referred('Arn');
        return called?.type !== 'AWS::Serverless::Function' || mayCall(target, called.name) || [called.name];
      },
    ],
  }),
  table(lettersOfTargets, {
    'shared-dead-letters': [
      'nobody could tell whose events those were',
      ({ letters, before }) => !before.includes(letters),
    ],
  }),
];

const rulesOf = placesOf('AWS::Events::Rule');
const arnsOf = (rule: Place) => rule.parts('Targets').map((target) => target.text('Arn'));
const deadLetters = (target: Place) => target.text('DeadLetterConfig', 'Arn');

function samples(system: System) {
  return SAMPLES.map(({ event: sample, to, what }) => {
    const reached = rulesOf(system).filter((rule) => matches(rule.at('EventPattern'), sample));
    const name = reached.map((rule) => rule.name).join(' ') || 'rules';
    return { name, what, to, targets: reached.flatMap(arnsOf) };
  });
}

/** The targets of all rules, each by the name of its rule. */
function targetsOf(system: System): Place[] {
  return rulesOf(system).flatMap((rule) => rule.parts('Targets'));
}

function lettersOfTargets(system: System) {
  const all = targetsOf(system);
  return all.map((target, index) => ({
    name: target.name,
    letters: deadLetters(target),
    before: all.slice(0, index).map(deadLetters),
  }));
}

function mayCall(target: Place, called: string): boolean {
  return target
    .others('AWS::Lambda::Permission')
    .some(
      (permission) =>
        permission.text('FunctionName').replace('.Arn', '') === `<${called}>` &&
        permission.text('Action') === 'lambda:InvokeFunction' &&
        permission.text('Principal') === 'events.amazonaws.com' &&
        permission.text('SourceArn') === `<${target.name}.Arn>`,
    );
}

function matches(pattern: Json | undefined, sample: Json): boolean {
  if (!isRecord(pattern)) return false;
  try {
    // A template's pattern has no type; the compiler refuses what it does not know.
    return compilePattern(pattern as unknown as EventPattern)(sample);
  } catch {
    return false;
  }
}

function dropped(bucket: string, key: string): Json {
  return event('aws.s3', aManifest(bucket, key));
}

function aManifest(bucket: string, key: string) {
  return { bucket: { name: bucket }, object: { key } };
}

function event(source: keyof typeof REGION_EVENTS, detail: Json) {
  return { source, 'detail-type': REGION_EVENTS[source], detail, resources: [] };
}
