import { BadEnvironment, readDeployment } from '../../../functions/deployment-environment.ts';
import { FUNCTIONS } from '../../build/bundle.ts';
import type { Table } from '../template/finding.ts';
import { table } from '../template/finding.ts';
import { at, textAt } from '../template/json.ts';
import type { Place, System } from '../template/place.ts';
import { placeNamed, placesOf } from '../template/place.ts';

/** The four functions: what they run, with what, and who hears when they fail. */
export const FUNCTION_RULES: readonly Table[] = [
  table((system) => [{ name: 'template', count: placesOf('AWS::Serverless::Function')(system).length }], {
    'other-functions': [
      `the functions are ${FUNCTIONS.join(', ')}`,
      ({ count }) => count === FUNCTIONS.length,
    ],
  }),
  table(functionsOf, {
    runtime: [
      'bundles are made for nodejs24.x',
      ({ place }) =>
        place.text('Runtime') === 'nodejs24.x' && place.texts('Architectures').join() === 'arm64',
    ],
    'wrong-handler': [
      (short) => `scripts/build/build.ts writes dist/functions/${short}/index.mjs with its handler`,
      ({ short, place }) =>
        (place.text('Handler') === 'index.handler' &&
          place.text('CodeUri') === `dist/functions/${short}`) || [short],
    ],
    'reserved-concurrency': [
      'a new account has 10 in all, and any reservation fails there',
      ({ place }) => !place.has('ReservedConcurrentExecutions'),
    ],
    'no-failure-destination': [
      'an event that fails for six hours would be lost',
      ({ place }) =>
        place.referred('EventInvokeConfig', 'DestinationConfig', 'OnFailure', 'Destination')?.type ===
        'AWS::SQS::Queue',
    ],
    'no-tracing': ['no traces', ({ place }) => place.text('Tracing') === 'Active'],
    'logs-kept-for-ever': [
      'a group of its own with a retention',
      ({ place }) => {
        const logs = place.referred('LoggingConfig', 'LogGroup');
        return logs?.type === 'AWS::Logs::LogGroup' && at(logs.properties, 'RetentionInDays') !== undefined;
      },
    ],
    timeout: ['60 to 900 s', ({ place }) => place.number('Timeout') >= 60 && place.number('Timeout') <= 900],
    'role-not-for-lambda': [
      'Lambda cannot take this role on',
      ({ place }) => {
        const role = place.referred('Role');
        return (
          role?.type === 'AWS::IAM::Role' && JSON.stringify(role.properties).includes('lambda.amazonaws.com')
        );
      },
    ],
    'shared-role': [
      'each function has a role of its own',
      ({ place, rolesBefore }) => {
        const role = place.referred('Role')?.name;
        return role !== undefined && !rolesBefore.includes(role);
      },
    ],
  }),
  table(deployments, {
    'bad-environment': [
      (reason) => reason,
      ({ deployment }) => typeof deployment !== 'string' || [deployment],
    ],
  }),
  table(readableDeployments, {
    'machines-misdescribed': [
      'runs would be accepted that find no machines, and others refused',
      ({ deployment: { instanceTypes }, place }) => {
        const machines = place.other('ComputeEnvironment').texts('ComputeResources', 'InstanceTypes');
        const [range] = place.other('JobDefinition').parts('NodeProperties', 'NodeRangeProperties');
        return (
          instanceTypes?.join() === machines.join() &&
          instanceTypes[0] === (range?.text('Container', 'InstanceType') ?? '')
        );
      },
    ],
    'queue-misdescribed': [
      'a queue with a scheduling policy refuses a job without a share, one without refuses a job with one',
      ({ deployment: { queues }, place }) =>
        queues.default?.arn === '<JobQueue>' &&
        (queues.default.fairShare === true) === place.other('JobQueue').has('SchedulingPolicyArn'),
    ],
    'other-bucket': [
      'bucket and job definition are the stack’s own, the definition by the ARN of its newest revision',
      ({ deployment: { bucket, jobDefinition } }) =>
        bucket === '<Bucket>' && jobDefinition === '<JobDefinition.JobDefinitionArn>',
    ],
    'storage-not-where-said': [
      (sharedFolder) => `nothing is mounted at ${sharedFolder}`,
      ({ deployment: { sharedFolder }, place }) =>
        JSON.stringify(place.other('JobDefinition').properties).includes(
          `"ContainerPath":${JSON.stringify(sharedFolder)}`,
        ) || [sharedFolder],
    ],
  }),
];

function functionsOf(system: System) {
  const places = FUNCTIONS.map((short) =>
    placeNamed(`${short[0]?.toUpperCase()}${short.slice(1)}Function`)(system),
  );
  return places.map((place, index) => ({
    name: place.name,
    short: FUNCTIONS[index] ?? '',
    place,
    rolesBefore: places.slice(0, index).map((before) => before.referred('Role')?.name ?? ''),
  }));
}

/** What each function reads of its environment, or why it cannot. */
function deployments(system: System) {
  return functionsOf(system).map(({ name, place }) => ({ name, place, deployment: deploymentOf(place) }));
}

function readableDeployments(system: System) {
  return deployments(system).flatMap(({ name, place, deployment }) =>
    typeof deployment === 'string' ? [] : [{ name, place, deployment }],
  );
}

function deploymentOf(place: Place): ReturnType<typeof readDeployment> | string {
  const variables = place.entries('Environment', 'Variables').map(([key, value]) => [key, textAt(value)]);
  try {
    return readDeployment(Object.fromEntries(variables));
  } catch (error) {
    if (error instanceof BadEnvironment) return error.message;
    throw error;
  }
}
