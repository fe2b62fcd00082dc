import type { Table } from '../template/finding.ts';
import { each, one, table } from '../template/finding.ts';
import type { Place, System } from '../template/place.ts';
import { placesOf } from '../template/place.ts';
import { referred } from '../template/resolve.ts';

/** As the stack’s template names it. */
const STATE_MACHINE_NAME = /-experiment$/;

const PUBLISHERS = ['cloudwatch.amazonaws.com', 'events.amazonaws.com'];

/** Alarms and their way to people. */
export const ALARMS: readonly Table[] = [
  each('AWS::CloudWatch::Alarm', {
    'alarm-unheard': ['the alarm tells nobody', (alarm) => tellsTopic(alarm, 'AlarmActions')],
  }),
  each('AWS::SQS::Queue', {
    'dead-letters-unseen': [
      'nobody hears of messages in it',
      (queue) => textOfAlarms(queue.system).includes(`<${queue.name}.QueueName>`),
    ],
  }),
  table((system) => [{ name: 'alarms', alarms: alarmsOf(system) }], {
    'silence-unheard': [
      'settle that is never called has no data, and that must raise an alarm',
      ({ alarms }) =>
        alarms.some(
          (alarm) =>
            alarm.text('MetricName') === 'Invocations' &&
            /^(missing|breaching)$/.test(alarm.text('TreatMissingData')) &&
            tellsTopic(
              alarm,
              alarm.text('TreatMissingData') === 'missing' ? 'InsufficientDataActions' : 'AlarmActions',
            ),
        ),
    ],
    'silence-at-once': [
      'a new stack has no data yet: missing data that breach would raise an alarm before settle was ever called',
      ({ alarms }) => alarms.every((alarm) => alarm.text('TreatMissingData') !== 'breaching'),
    ],
    'metric-unheard': [
      (metric) =>
        `nobody hears of ${metric}: functions write it with the state machine’s name as \`service\``,
      ({ alarms }) =>
        ['RunFailed', 'RunStuck'].filter((metric) => !alarms.some((alarm) => isOfMetric(alarm, metric))),
    ],
  }),
  one('TopicPolicy', {
    'topic-closed': [
      (service) => `${service} may not publish`,
      ({ properties }) => PUBLISHERS.filter((service) => !JSON.stringify(properties).includes(service)),
    ],
    'topic-condition': [
      'EventBridge meets no condition of a topic: nobody would hear of a blocked queue',
      (policy) =>
        policy
          .parts('PolicyDocument', 'Statement')
          .every(
            (statement) =>
              statement.text('Principal', 'Service') !== 'events.amazonaws.com' ||
              !statement.has('Condition'),
          ),
    ],
  }),
  table(messaging, {
    'open-to-plain-http': [
      'its own policy must refuse what comes without TLS',
      ({ name, policies }) =>
        policies
          .filter((policy) => [...policy.texts('Queues'), ...policy.texts('Topics')].includes(`<${name}>`))
          .flatMap((policy) => policy.parts('PolicyDocument', 'Statement'))
          .some((statement) => refusesPlainHttp(statement, name)),
    ],
  }),
  table(policiesOfMessaging, {
    'statements-unnamed': [
      'SNS refuses statements without a Sid of their own: the whole stack would be rolled back',
      (policy) => {
        const names = policy.parts('PolicyDocument', 'Statement').map((statement) => statement.text('Sid'));
        return !names.includes('') && new Set(names).size === names.length;
      },
    ],
    'statement-of-many': [
      'SNS and SQS refuse a statement with more than one resource: the whole stack would be rolled back',
      (policy) =>
        policy
          .parts('PolicyDocument', 'Statement')
          .every((statement) => statement.texts('Resource').length === 1),
    ],
  }),
  each('AWS::Logs::LogGroup', {
    'logs-kept-for-ever': ['logs are paid for as long as they lie', (group) => group.has('RetentionInDays')],
  }),
];

const alarmsOf = placesOf('AWS::CloudWatch::Alarm');

function tellsTopic(alarm: Place, actions: 'AlarmActions' | 'InsufficientDataActions'): boolean {
  return alarm
    .texts(actions)
    .some((action) => referred(alarm.system.stack, action)?.type === 'AWS::SNS::Topic');
}

/** Queues and topics, with the policies that could be theirs. */
function messaging(system: System): { name: string; policies: Place[] }[] {
  const policies = policiesOfMessaging(system);
  return ['AWS::SQS::Queue', 'AWS::SNS::Topic']
    .flatMap((type) => placesOf(type)(system))
    .map(({ name }) => ({ name, policies }));
}

function policiesOfMessaging(system: System): Place[] {
  return ['AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'].flatMap((type) => placesOf(type)(system));
}

function refusesPlainHttp(statement: Place, name: string): boolean {
  const resources = statement.texts('Resource');
  return (
    statement.text('Effect') === 'Deny' &&
    statement.text('Principal') === '*' &&
    statement.texts('Action').some((action) => action === 'sqs:*' || action === 'sns:Publish') &&
    statement.text('Condition', 'Bool', 'aws:SecureTransport') === 'false' &&
    ['*', `<${name}.Arn>`, `<${name}>`].some((resource) => resources.includes(resource))
  );
}

function textOfAlarms(system: System): string {
  return JSON.stringify(alarmsOf(system).map(({ properties }) => properties));
}

function isOfMetric(alarm: Place, metric: string): boolean {
  return (
    alarm.text('Namespace') === 'sierra-batch' &&
    alarm.text('MetricName') === metric &&
    alarm.text('Dimensions', 0, 'Name') === 'service' &&
    STATE_MACHINE_NAME.test(alarm.text('Dimensions', 0, 'Value'))
  );
}
