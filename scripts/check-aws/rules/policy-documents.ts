import type { Json } from '../template/json.ts';
import { at, isRecord, listAt, textAt } from '../template/json.ts';
import type { Resource, Stack } from '../template/resolve.ts';
import type { Policy } from './policies.ts';

/**
 * Every policy document of a stack, wherever it stands (of identities, of resources, of trust), with ARNs in place of
 * references, as whoever judges policies wants them.
 */
export function policyDocuments(stack: Stack): Policy[] {
  return [...stack.resources.values()].flatMap((resource) =>
    documentsIn(resource.properties).map(({ path, document }) => ({
      where: [resource.name, ...path].join('.'),
      document: withResources(resource, withArns(stack, document)),
    })),
  );
}

function documentsIn(
  node: Json,
  path: readonly string[] = [],
): { path: readonly string[]; document: Json }[] {
  if (isRecord(node) && listAt(node, 'Statement').some((statement) => at(statement, 'Effect') !== undefined))
    return [{ path, document: node }];
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => documentsIn(value, [...path, key]));
}

/** Policies of these are about what they belong to and need not say so, or say `*`; a judge of policies asks for it. */
function withResources({ type, name }: Resource, document: Json): Json {
  const own = OWN_ARN[type]?.(name);
  if (own === undefined || !isRecord(document)) return document;
  const statements = listAt(document, 'Statement').map((statement) => {
    if (!isRecord(statement) || at(statement, 'Principal') === undefined) return statement;
    const resource = at(statement, 'Resource');
    return resource === undefined || resource === '*'
      ? { ...statement, Resource: textAt(statement, 'Action') === '*' ? '*' : own }
      : statement;
  });
  return { ...document, Statement: statements };
}

function withArns(stack: Stack, node: Json): Json {
  if (typeof node === 'string')
    return node.replaceAll(/<([A-Za-z0-9]+)(?:\.([A-Za-z.]+))?>/g, (_, name: string, attribute?: string) =>
      arnOf(stack, name, attribute),
    );
  if (Array.isArray(node)) return node.map((element) => withArns(stack, element));
  if (!isRecord(node)) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, withArns(stack, value)]));
}

const ACCOUNT = 'eu-central-1:123456789012';
const ARNS: Readonly<Record<string, (name: string) => string>> = {
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name.toLowerCase()}`,
  'AWS::SQS::Queue': (name) => `arn:aws:sqs:${ACCOUNT}:${name}`,
  'AWS::SNS::Topic': (name) => `arn:aws:sns:${ACCOUNT}:${name}`,
  // GetAtt of a log group's Arn ends so.
  'AWS::Logs::LogGroup': (name) => `arn:aws:logs:${ACCOUNT}:log-group:${name}:*`,
  'AWS::IAM::Role': (name) => `arn:aws:iam::123456789012:role/${name}`,
  'AWS::IAM::ManagedPolicy': (name) => `arn:aws:iam::123456789012:policy/${name}`,
  'AWS::Serverless::Function': (name) => `arn:aws:lambda:${ACCOUNT}:function:${name}`,
  'AWS::Serverless::StateMachine': (name) => `arn:aws:states:${ACCOUNT}:stateMachine:${name}`,
  'AWS::Events::Rule': (name) => `arn:aws:events:${ACCOUNT}:rule/${name}`,
  'AWS::Batch::JobQueue': (name) => `arn:aws:batch:${ACCOUNT}:job-queue/${name}`,
  'AWS::Batch::JobDefinition': (name) => `arn:aws:batch:${ACCOUNT}:job-definition/${name}:1`,
  'AWS::Batch::ComputeEnvironment': (name) => `arn:aws:batch:${ACCOUNT}:compute-environment/${name}`,
  'AWS::ECR::Repository': (name) => `arn:aws:ecr:${ACCOUNT}:repository/${name.toLowerCase()}`,
  'AWS::EFS::AccessPoint': () => `arn:aws:elasticfilesystem:${ACCOUNT}:access-point/fsap-1`,
};

const OWN_ARN: typeof ARNS = {
  'AWS::IAM::Role': (name) => `arn:aws:iam::123456789012:role/${name}`,
  'AWS::EFS::FileSystem': () => `arn:aws:elasticfilesystem:${ACCOUNT}:file-system/fs-1`,
  'AWS::SQS::QueuePolicy': () => `arn:aws:sqs:${ACCOUNT}:queue`,
};

/** Where Ref gives a name and no ARN, the name. */
function arnOf(stack: Stack, name: string, attribute: string | undefined): string {
  const type = stack.resources.get(name)?.type ?? '';
  const refIsArn = ['AWS::SNS::Topic', 'AWS::IAM::ManagedPolicy', 'AWS::Serverless::StateMachine'];
  const hasArn = attribute === 'Arn' || refIsArn.includes(type) || type.startsWith('AWS::Batch::');
  const make = ARNS[type];
  return hasArn && make !== undefined ? make(name) : `${name}${attribute ?? ''}`.toLowerCase();
}
