import type { EventPattern } from '../../../local/aws/events/pattern.ts';
import { compilePattern } from '../../../local/aws/events/pattern.ts';
import type { Check } from '../template/finding.ts';
import { ofType, referred } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { at, isRecord, listAt, textAt, textsAt } from '../template/json.ts';

const REGION_EVENTS = {
  'aws.s3': 'Object Created',
  'aws.batch': 'Batch Job State Change',
  'aws.states': 'Step Functions Execution Status Change',
} as const;

/** Events that the deployment's rules must let through to a function, and look-alikes that they must not. */
const SAMPLES: readonly { event: Json; to: string | undefined; what: string }[] = [
  { what: 'a manifest', event: dropped('<Bucket>', 'manifests/a/b.yaml'), to: 'IngestFunction' },
  { what: 'a manifest in .yml', event: dropped('<Bucket>', 'manifests/a.yml'), to: 'IngestFunction' },
  { what: 'a manifest in JSON', event: dropped('<Bucket>', 'manifests/a.json'), to: 'IngestFunction' },
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
export const checkEvents: Check = ({ stack }, found) => {
  const rules = ofType(stack, 'AWS::Events::Rule');
  const permissions = ofType(stack, 'AWS::Lambda::Permission');
  const policies = ofType(stack, 'AWS::SQS::QueuePolicy').flatMap(({ properties }) =>
    listAt(properties, 'PolicyDocument', 'Statement'),
  );
  for (const sample of SAMPLES) {
    const reached = rules.filter(({ properties }) => matches(at(properties, 'EventPattern'), sample.event));
    const targets = reached.flatMap(({ properties }) =>
      listAt(properties, 'Targets').map((target) => textAt(target, 'Arn')),
    );
    const wanted = sample.to === undefined ? [] : [`<${sample.to}.Arn>`];
    found.expect(
      targets.length === wanted.length && targets.every((target) => wanted.includes(target)),
      'event-astray',
      reached.map(({ name }) => name).join(' ') || 'rules',
      `${sample.what} must reach ${sample.to ?? 'nothing'} and reaches ${targets.join(', ') || 'nothing'}`,
    );
  }
  const minute = rules.filter(
    ({ properties }) => textAt(properties, 'ScheduleExpression') === 'rate(1 minute)',
  );
  found.expect(
    minute.some(({ properties }) =>
      listAt(properties, 'Targets').some((target) => textAt(target, 'Arn') === '<SettleFunction.Arn>'),
    ),
    'no-minute',
    'rules',
    'an event that is lost would be lost for ever: settle must be called every minute',
  );
  const letters = new Set<string>();
  for (const { name, properties } of rules) {
    found.expect(
      (at(properties, 'State') ?? 'ENABLED') === 'ENABLED',
      'rule-disabled',
      name,
      'the rule does nothing',
    );
    for (const target of listAt(properties, 'Targets')) {
      const arn = textAt(target, 'Arn');
      const dead = textAt(target, 'DeadLetterConfig', 'Arn');
      found.expect(
        referred(stack, dead)?.type === 'AWS::SQS::Queue',
        'rule-without-dead-letters',
        name,
        'an event is lost after 185 tries',
      );
      found.expect(
        !letters.has(dead),
        'shared-dead-letters',
        name,
        'nobody could tell whose events those were',
      );
      letters.add(dead);
      found.expect(
        policies.some(
          (statement) =>
            textAt(statement, 'Effect') === 'Allow' &&
            textAt(statement, 'Principal', 'Service') === 'events.amazonaws.com' &&
            textsAt(statement, 'Resource').includes(dead) &&
            textsAt(statement, 'Condition', 'ArnEquals', 'aws:SourceArn').includes(`<${name}.Arn>`),
        ),
        'dead-letters-closed',
        name,
        'EventBridge may not write to the dead-letter queue',
      );
      const target_ = referred(stack, arn);
      if (target_?.type !== 'AWS::Serverless::Function') continue;
      found.expect(
        permissions.some(
          ({ properties: permission }) =>
            textAt(permission, 'FunctionName').replace('.Arn', '') === `<${target_.name}>` &&
            textAt(permission, 'Action') === 'lambda:InvokeFunction' &&
            textAt(permission, 'Principal') === 'events.amazonaws.com' &&
            textAt(permission, 'SourceArn') === `<${name}.Arn>`,
        ),
        'no-permission',
        name,
        `the rule may not call ${target_.name}`,
      );
    }
  }
};

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
  return event('aws.s3', { bucket: { name: bucket }, object: { key } });
}

function event(source: keyof typeof REGION_EVENTS, detail: Json): Json {
  return { source, 'detail-type': REGION_EVENTS[source], detail, resources: [] };
}
