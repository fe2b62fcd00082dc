import { BadEnvironment, readDeployment } from '../../../functions/deployment-environment.ts';
import { FUNCTIONS } from '../../build/bundle.ts';
import type { Check } from '../template/finding.ts';
import { named, ofType, referred } from '../template/finding.ts';
import { at, entriesAt, listAt, textAt, textsAt } from '../template/json.ts';

/** The four functions: what they run, with what, and who hears when they fail. */
export const checkFunctions: Check = ({ stack }, found) => {
  const roles = new Set<string>();
  found.expect(
    ofType(stack, 'AWS::Serverless::Function').length === FUNCTIONS.length,
    'other-functions',
    'template',
    `the functions are ${FUNCTIONS.join(', ')}`,
  );
  for (const short of FUNCTIONS) {
    const name = `${short[0]?.toUpperCase()}${short.slice(1)}Function`;
    const { properties } = named(stack, name);
    const on = (holds: boolean, code: string, message: string) => found.expect(holds, code, name, message);
    on(
      textAt(properties, 'Runtime') === 'nodejs24.x' &&
        textsAt(properties, 'Architectures').join() === 'arm64',
      'runtime',
      'bundles are made for nodejs24.x',
    );
    on(
      textAt(properties, 'Handler') === 'index.handler' &&
        textAt(properties, 'CodeUri') === `dist/functions/${short}`,
      'wrong-handler',
      `scripts/build/build.ts writes dist/functions/${short}/index.mjs with its handler`,
    );
    on(
      at(properties, 'ReservedConcurrentExecutions') === undefined,
      'reserved-concurrency',
      'a new account has 10 in all, and any reservation fails there',
    );
    on(
      referred(
        stack,
        textAt(properties, 'EventInvokeConfig', 'DestinationConfig', 'OnFailure', 'Destination'),
      )?.type === 'AWS::SQS::Queue',
      'no-failure-destination',
      'an event that fails for six hours would be lost',
    );
    on(textAt(properties, 'Tracing') === 'Active', 'no-tracing', 'no traces');
    const logs = referred(stack, textAt(properties, 'LoggingConfig', 'LogGroup'));
    on(
      logs?.type === 'AWS::Logs::LogGroup' && at(logs.properties, 'RetentionInDays') !== undefined,
      'logs-kept-for-ever',
      'a group of its own with a retention',
    );
    on(
      Number(textAt(properties, 'Timeout')) >= 60 && Number(textAt(properties, 'Timeout')) <= 900,
      'timeout',
      '60 to 900 s',
    );
    const role = referred(stack, textAt(properties, 'Role'));
    on(
      role?.type === 'AWS::IAM::Role' && JSON.stringify(role.properties).includes('lambda.amazonaws.com'),
      'role-not-for-lambda',
      'Lambda cannot take this role on',
    );
    on(role !== undefined && !roles.has(role.name), 'shared-role', 'each function has a role of its own');
    roles.add(role?.name ?? '');
    checkEnvironment(
      name,
      new Map(entriesAt(properties, 'Environment', 'Variables').map(([key, value]) => [key, textAt(value)])),
      stack,
      found,
    );
  }
};

function checkEnvironment(
  name: string,
  variables: ReadonlyMap<string, string>,
  stack: Parameters<Check>[0]['stack'],
  found: Parameters<Check>[1],
): void {
  try {
    const { queues, sharedFolder, bucket, jobDefinition, instanceTypes } = readDeployment(
      Object.fromEntries(variables),
    );
    const machines = textsAt(
      named(stack, 'ComputeEnvironment').properties,
      'ComputeResources',
      'InstanceTypes',
    );
    const first = textAt(
      named(stack, 'JobDefinition').properties,
      ...['NodeProperties', 'NodeRangeProperties', 0, 'Container', 'InstanceType'],
    );
    found.expect(
      instanceTypes?.join() === machines.join() && instanceTypes[0] === first,
      'machines-misdescribed',
      name,
      'runs would be accepted that find no machines, and others refused',
    );
    const fair = at(named(stack, 'JobQueue').properties, 'SchedulingPolicyArn') !== undefined;
    found.expect(
      queues.default?.arn === '<JobQueue>' && (queues.default.fairShare === true) === fair,
      'queue-misdescribed',
      name,
      'a queue with a scheduling policy refuses a job without a share, one without refuses a job with one',
    );
    found.expect(
      bucket === '<Bucket>' && jobDefinition === '<JobDefinition.JobDefinitionArn>',
      'other-bucket',
      name,
      'bucket and job definition are the stack’s own, the definition by the ARN of its newest revision',
    );
    found.expect(
      JSON.stringify(named(stack, 'JobDefinition').properties).includes(
        `"ContainerPath":${JSON.stringify(sharedFolder)}`,
      ),
      'storage-not-where-said',
      name,
      `nothing is mounted at ${sharedFolder}`,
    );
  } catch (error) {
    if (!(error instanceof BadEnvironment)) throw error;
    found.expect(false, 'bad-environment', name, error.message);
  }
}

/** As the stack’s template names it. */
const STATE_MACHINE_NAME = /-experiment$/;

/** Alarms and their way to people. */
export const checkAlarms: Check = ({ stack }, found) => {
  const alarms = ofType(stack, 'AWS::CloudWatch::Alarm');
  for (const { name, properties } of alarms)
    found.expect(
      textsAt(properties, 'AlarmActions').some(
        (action) => referred(stack, action)?.type === 'AWS::SNS::Topic',
      ),
      'alarm-unheard',
      name,
      'the alarm tells nobody',
    );
  const text = JSON.stringify(alarms.map(({ properties }) => properties));
  for (const queue of ofType(stack, 'AWS::SQS::Queue'))
    found.expect(
      text.includes(`<${queue.name}.QueueName>`),
      'dead-letters-unseen',
      queue.name,
      'nobody is told of messages in it',
    );
  found.expect(
    alarms.some(
      ({ properties }) =>
        textAt(properties, 'MetricName') === 'Invocations' &&
        textAt(properties, 'TreatMissingData') === 'breaching',
    ),
    'silence-unheard',
    'alarms',
    'settle that is never called has no data: missing data must breach',
  );
  for (const metric of ['RunFailed', 'RunStuck'])
    found.expect(
      alarms.some(
        ({ properties }) =>
          textAt(properties, 'Namespace') === 'sierra-batch' &&
          textAt(properties, 'MetricName') === metric &&
          textAt(properties, 'Dimensions', 0, 'Name') === 'service' &&
          STATE_MACHINE_NAME.test(textAt(properties, 'Dimensions', 0, 'Value')),
      ),
      'metric-unheard',
      'alarms',
      `nobody hears of ${metric}: functions write it with the state machine’s name as \`service\``,
    );
  const publishers = JSON.stringify(named(stack, 'TopicPolicy').properties);
  for (const service of ['cloudwatch.amazonaws.com', 'events.amazonaws.com'])
    found.expect(publishers.includes(service), 'topic-closed', 'TopicPolicy', `${service} may not publish`);
  found.expect(
    listAt(named(stack, 'TopicPolicy').properties, 'PolicyDocument', 'Statement').every(
      (statement) =>
        textAt(statement, 'Principal', 'Service') !== 'events.amazonaws.com' ||
        at(statement, 'Condition') === undefined,
    ),
    'topic-condition',
    'TopicPolicy',
    'EventBridge meets no condition of a topic: nobody would hear of a blocked queue',
  );
  for (const { name, properties } of ofType(stack, 'AWS::Logs::LogGroup'))
    found.expect(
      at(properties, 'RetentionInDays') !== undefined,
      'logs-kept-for-ever',
      name,
      'logs are paid for as long as they lie',
    );
};
