import {
  EVENT_DETAIL_TYPE,
  EVENT_SOURCE,
  OVERLOOKED_DETAIL_TYPE,
} from '../../../experiment/notify/event-names.ts';
import type { Table } from '../template/finding.ts';
import { each, table } from '../template/finding.ts';
import { listAt, textAt, textsAt } from '../template/json.ts';
import type { System } from '../template/place.ts';
import { allows, identityPolicies, policiesOfRole, statementsOf, statementsOfRole } from './policies.ts';

/** Actions for which AWS' service authorization reference lists no resource that a policy could name, or none known before. */
const NOTHING_NARROWER = new Set([
  'batch:DescribeJobs',
  'batch:ListJobs',
  'batch:DescribeJobDefinitions',
  'batch:DescribeJobQueues',
  'batch:DescribeComputeEnvironments',
  'servicequotas:GetServiceQuota',
  'ecr:GetAuthorizationToken',
  'ecs:DiscoverPollEndpoint',
  // A token says which state it completes; the reference lists no resource for it.
  'states:SendTaskSuccess',
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
]);

const ACCOUNT = 'eu-central-1:123456789012';
const MACHINE = `arn:aws:states:${ACCOUNT}:stateMachine:stack-experiment`;
const EXECUTION = `arn:aws:states:${ACCOUNT}:execution:stack-experiment:run`;
const JOB = `arn:aws:batch:${ACCOUNT}:job/1`;
const BUS = `arn:aws:events:${ACCOUNT}:event-bus/default`;
const DEFINITION = `arn:aws:batch:${ACCOUNT}:job-definition/stack-node:3`;

const OWN_DEFINITION = `arn:aws:batch:${ACCOUNT}:job-definition/stack-node-0123456789abcdef`;
const REPOSITORY = `arn:aws:ecr:${ACCOUNT}:repository/lab`;
/** What CloudFormation judges DescribeStacks by when it is asked by a name. */
const STACK_BY_NAME = `arn:aws:cloudformation:${ACCOUNT}:stack/stack/*`;

type Needs = Readonly<Record<string, readonly (readonly [action: string, resource: string])[]>>;

const RECORDS = [
  ['s3:GetObject', '<Bucket.Arn>/runs/r/plan.json'],
  ['s3:PutObject', '<Bucket.Arn>/runs/r/status.json'],
  ['s3:GetObject', '<Bucket.Arn>/control/r.json'],
  ['s3:PutObject', '<Bucket.Arn>/control/r.json'],
  ['s3:ListBucket', '<Bucket.Arn>'],
  ['sqs:SendMessage', '<FailedInvocations.Arn>'],
  ['xray:PutTraceSegments', '*'],
  ['xray:PutTelemetryRecords', '*'],
] as const;
const logsTo = (group: string) =>
  [
    ['logs:CreateLogStream', `<${group}.Arn>`],
    ['logs:PutLogEvents', `<${group}.Arn>`],
  ] as const;
const TELLING = [
  ['events:PutEvents', BUS],
  ['sns:Publish', '<Topic>'],
] as const;
const RUNS_PAGE = [
  ['s3:GetObject', '<Bucket.Arn>/runs.html'],
  ['s3:PutObject', '<Bucket.Arn>/runs.html'],
] as const;
const SETTLE = [
  ...RECORDS,
  ...TELLING,
  ['batch:SubmitJob', '<JobQueue>'],
  ['batch:SubmitJob', DEFINITION],
  ['batch:SubmitJob', JOB],
  ['batch:TagResource', '<JobQueue>'],
  ['batch:TagResource', DEFINITION],
  ['batch:TagResource', OWN_DEFINITION],
  ['batch:TagResource', JOB],
  ['batch:TerminateJob', JOB],
  ['batch:DescribeJobs', '*'],
  ['batch:ListJobs', '*'],
  ['batch:DescribeJobDefinitions', '*'],
  ['batch:RegisterJobDefinition', OWN_DEFINITION],
  ['iam:PassRole', '<JobRole.Arn>'],
  ['iam:PassRole', '<ExecutionRole.Arn>'],
  ['states:StartExecution', MACHINE],
  ['states:DescribeExecution', EXECUTION],
  ['states:SendTaskSuccess', '*'],
  ['s3:DeleteObject', '<Bucket.Arn>/control/open/r'],
  ...RUNS_PAGE,
] as const;

/** What each role does, by the code: it must be allowed, and nothing else may be. */
const NEEDS: Needs = {
  IngestRole: [
    ...RECORDS,
    ...TELLING,
    ...logsTo('IngestLogs'),
    ['s3:GetObject', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:GetObjectVersion', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:PutObject', '<Bucket.Arn>/rejected/a.txt'],
    ['states:StartExecution', MACHINE],
    ['states:DescribeExecution', EXECUTION],
  ],
  SubmitRole: [...SETTLE, ...logsTo('SubmitLogs')],
  SettleRole: [
    ...SETTLE,
    ...logsTo('SettleLogs'),
    ['s3:GetObject', '<Bucket.Arn>/maintenance/j.json'],
    ['s3:ListBucketVersions', '<Bucket.Arn>'],
    ['s3:GetObject', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:GetObjectVersion', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:GetObject', '<Bucket.Arn>/rejected/a.json'],
  ],
  CollectRole: [...RECORDS, ...logsTo('CollectLogs'), ...RUNS_PAGE, ['batch:DescribeJobs', '*']],
  StateMachineRole: ['Submit', 'Settle', 'Collect'].map(
    (name) => ['lambda:InvokeFunction', `<${name}Function.Arn>`] as const,
  ),
  JobRole: [
    ['s3:GetObject', '<Bucket.Arn>/inputs/a.tar.gz'],
    ['s3:ListBucket', '<Bucket.Arn>'],
    ['s3:PutObject', '<Bucket.Arn>/runs/r/owner.json'],
    ['s3:PutObject', '<Bucket.Arn>/maintenance/j.json'],
  ],
  ExecutionRole: [
    ...logsTo('JobLogs'),
    ['ecr:GetAuthorizationToken', '*'],
    ['ecr:BatchGetImage', REPOSITORY],
    ['ecr:GetDownloadUrlForLayer', REPOSITORY],
    ['ecr:BatchCheckLayerAvailability', REPOSITORY],
  ],
};
const MAY_ALSO = [
  'elasticfilesystem:ClientMount',
  'elasticfilesystem:ClientWrite',
  ...[...NOTHING_NARROWER].filter((action) => action.startsWith('logs:') || action.startsWith('xray:')),
];

/** What nobody but the named may do. */
const NEVER: Needs = {
  SubmitRole: [
    ['batch:RegisterJobDefinition', DEFINITION],
    ['iam:PassRole', '<InstanceRole.Arn>'],
  ],
  SettleRole: [
    ['s3:DeleteObject', '<Bucket.Arn>/control/r.json'],
    ['s3:PutObject', '<Bucket.Arn>/rejected/a.json'],
  ],
  CollectRole: [['s3:GetObject', '<Bucket.Arn>/maintenance/j.json']],
  JobRole: [
    ['s3:PutObject', '<Bucket.Arn>/control/r.json'],
    ['s3:PutObject', '<Bucket.Arn>/manifests/a.yaml'],
    ['elasticfilesystem:ClientRootAccess', '*'],
  ],
  ResearcherPolicy: [
    ['s3:PutObject', '<Bucket.Arn>/runs/r/plan.json'],
    ['s3:DeleteObject', '<Bucket.Arn>/runs/r/plan.json'],
    ['batch:SubmitJob', '<JobQueue>'],
    ['batch:TerminateJob', JOB],
    ['states:StartExecution', MACHINE],
  ],
  OperatorPolicy: [
    ['s3:PutObject', '<Bucket.Arn>/control/r.json'],
    ['s3:PutObject', '<Bucket.Arn>/runs/r/owner.json'],
    ['batch:RegisterJobDefinition', OWN_DEFINITION],
  ],
};
const PEOPLE: Needs = {
  ResearcherPolicy: [
    ['s3:PutObject', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:PutObject', '<Bucket.Arn>/inputs/a.tar.gz'],
    ['s3:GetObject', '<Bucket.Arn>/runs/r/report.html'],
    ['s3:ListBucket', '<Bucket.Arn>'],
    ['states:StopExecution', EXECUTION],
    ['states:DescribeExecution', EXECUTION],
    ['cloudformation:DescribeStacks', STACK_BY_NAME],
    ['batch:DescribeComputeEnvironments', '*'],
    ['ecr:DescribeImages', '<Repository.Arn>'],
    ['sns:ListSubscriptionsByTopic', '<Topic>'],
  ],
  OperatorPolicy: [
    ['s3:PutObject', '<Bucket.Arn>/manifests/a.yaml'],
    ['s3:DeleteObject', '<Bucket.Arn>/runs/r/plan.json'],
    ['batch:SubmitJob', '<JobQueue>'],
    ['batch:SubmitJob', DEFINITION],
    ['batch:TerminateJob', JOB],
    ['states:StopExecution', EXECUTION],
    ['cloudformation:DescribeStacks', STACK_BY_NAME],
  ],
};

/** Sources differ on the service that Batch passes a definition's roles to; none names ecs-tasks alone. */
const PASSED_TO = ['batch.amazonaws.com', 'ecs-tasks.amazonaws.com'];

/** What each role may tell the account's bus. */
const EVENTS_OF: Readonly<Record<string, readonly string[]>> = {
  IngestRole: [EVENT_DETAIL_TYPE],
  SubmitRole: [EVENT_DETAIL_TYPE],
  SettleRole: [OVERLOOKED_DETAIL_TYPE, EVENT_DETAIL_TYPE],
};

/** Who may do what: nobody may do more than it needs, and some things nobody may do. */
export const PERMISSIONS: readonly Table[] = [
  table((system) => statementsThat(system, 'Allow'), {
    'action-wildcard': [
      (action) => `${action} allows what nobody has read`,
      ({ actions }) => actions.filter((action) => action.includes('*')),
    ],
    'resource-wildcard': [
      (action) => `${action} can be given for a resource by name`,
      ({ actions, resources }) =>
        resources.includes('*') ? actions.filter((action) => !NOTHING_NARROWER.has(action)) : [],
    ],
    // A submission with tags needs both actions on its queue and its definition.
    'may-not-tag': [
      (resource) => `whoever submits with tags to ${resource} needs batch:TagResource there`,
      ({ actions, resources, beside }) =>
        actions.includes('batch:SubmitJob')
          ? resources.filter((resource) => !allows(beside, 'batch:TagResource', resource))
          : [],
    ],
  }),
  each('AWS::IAM::Role', {
    'foreign-policy': [
      'a policy of AWS’ own allows what nobody here has read',
      (role) => role.texts('ManagedPolicyArns').every((arn) => arn.startsWith('<')),
    ],
  }),
  table((system) => rolesOf(system, { ...NEEDS, ...PEOPLE }), {
    'not-allowed': [
      (action, resource) => `${action} on ${resource} is needed`,
      ({ pairs, statements }) => pairs.filter((pair) => !allows(statements, ...pair)),
    ],
  }),
  table((system) => rolesOf(system, NEEDS), {
    'more-than-needed': [
      (action) => `${action} is not used`,
      ({ pairs, statements }) => {
        const known = [...pairs.map(([action]) => action), ...MAY_ALSO];
        return statements.flatMap(({ actions }) => actions).filter((action) => !known.includes(action));
      },
    ],
  }),
  table((system) => rolesOf(system, NEVER), {
    'too-much': [
      (action, resource) => `${action} on ${resource} must not be allowed`,
      ({ pairs, statements }) => pairs.filter((pair) => allows(statements, ...pair)),
    ],
  }),
  table(eventsOfRoles, {
    'other-events': [
      (wanted) => `its events are ${wanted}, under our own name`,
      ({ wanted, types }) => wanted.toSorted().join() === types.toSorted().join() || [wanted.join(' and ')],
    ],
  }),
  table(passedRoles, {
    'passed-to-others': [
      `the roles of a definition are passed to ${PASSED_TO.join(' and ')}, and to nobody else`,
      ({ services }) => services.toSorted().join() === PASSED_TO.join(),
    ],
  }),
  table(endedJobs, {
    'ends-jobs-of-others': [
      'only jobs that bear a tag of ours are ended',
      ({ untagged }) => untagged === 'false',
    ],
  }),
];

/** Statements of one effect, each with all that stand in policies of the same place. */
function statementsThat({ stack }: System, wanted: string) {
  const statements = identityPolicies(stack).flatMap(statementsOf);
  return statements
    .filter(({ effect }) => effect === wanted)
    .map(({ where, actions, resources }) => ({
      name: where,
      actions,
      resources,
      beside: statements.filter((other) => other.where === where),
    }));
}

/** Roles with what is asked of them and all that they may do. */
function rolesOf({ stack }: System, needs: Needs) {
  return Object.entries(needs).map(([name, pairs]) => ({
    name,
    pairs,
    statements: statementsOfRole(stack, name),
  }));
}

/** By the conditions of the statements that let a role put events on the bus. */
function eventsOfRoles({ stack }: System) {
  return Object.entries(EVENTS_OF).map(([name, wanted]) => ({
    name,
    wanted,
    types: policiesOfRole(stack, name)
      .flatMap(({ document }) => listAt(document, 'Statement'))
      .filter((statement) => textsAt(statement, 'Action').includes('events:PutEvents'))
      .flatMap((statement) => {
        const condition = ['Condition', 'ForAllValues:StringEquals'];
        const isOurs = textAt(statement, ...condition, 'events:source') === EVENT_SOURCE;
        return isOurs ? textsAt(statement, ...condition, 'events:detail-type') : ['any'];
      }),
  }));
}

function passedRoles({ stack }: System) {
  return identityPolicies(stack).flatMap(({ where, document }) =>
    listAt(document, 'Statement')
      .filter((statement) => textsAt(statement, 'Action').includes('iam:PassRole'))
      .map((statement) => ({
        name: where,
        services: textsAt(statement, 'Condition', 'StringEquals', 'iam:PassedToService'),
      })),
  );
}

function endedJobs({ stack }: System) {
  return identityPolicies(stack).flatMap(({ where, document }) =>
    listAt(document, 'Statement')
      .filter((statement) => textsAt(statement, 'Action').includes('batch:TerminateJob'))
      .map((statement) => ({
        name: where,
        untagged: textAt(statement, 'Condition', 'Null', 'aws:ResourceTag/sierra-batch:run'),
      })),
  );
}
