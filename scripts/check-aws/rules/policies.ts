import type { Json } from '../template/json.ts';
import { at, listAt, textAt, textsAt } from '../template/json.ts';
import type { Stack } from '../template/resolve.ts';
import { ofType } from '../template/resolve.ts';

export interface Statement {
  /** The resource whose policy it is. */
  where: string;
  effect: string;
  actions: readonly string[];
  resources: readonly string[];
}

export interface Policy {
  where: string;
  document: Json;
}

/** Every identity policy of a stack: in roles, beside them, and managed ones. */
export function identityPolicies(stack: Stack): Policy[] {
  return [
    ...ofType(stack, 'AWS::IAM::Role').flatMap(({ name, properties }) =>
      listAt(properties, 'Policies').map((policy) => ({
        where: name,
        document: at(policy, 'PolicyDocument') ?? {},
      })),
    ),
    ...[...ofType(stack, 'AWS::IAM::ManagedPolicy'), ...ofType(stack, 'AWS::IAM::RolePolicy')].map(
      ({ name, properties }) => ({ where: name, document: at(properties, 'PolicyDocument') ?? {} }),
    ),
  ];
}

export function statementsOf({ where, document }: Policy): Statement[] {
  return listAt(document, 'Statement').map((statement) => ({
    where,
    effect: textAt(statement, 'Effect'),
    actions: textsAt(statement, 'Action'),
    resources: textsAt(statement, 'Resource'),
  }));
}

/** All that a role may do, from wherever it has it. */
export function statementsOfRole(stack: Stack, role: string): Statement[] {
  return policiesOfRole(stack, role).flatMap(statementsOf);
}

export function policiesOfRole(stack: Stack, role: string): Policy[] {
  const attached = textsAt(stack.resources.get(role)?.properties, 'ManagedPolicyArns').map((arn) =>
    arn.replace(/^<(.+)>$/, '$1'),
  );
  const names = new Set([role, ...attached]);
  for (const { name, properties } of [
    ...ofType(stack, 'AWS::IAM::ManagedPolicy'),
    ...ofType(stack, 'AWS::IAM::RolePolicy'),
  ])
    if (textsAt(properties, 'Roles').includes(`<${role}>`) || textAt(properties, 'RoleName') === `<${role}>`)
      names.add(name);
  return identityPolicies(stack).filter(({ where }) => names.has(where));
}

export function allows(statements: readonly Statement[], action: string, resource: string): boolean {
  return statements.some(
    ({ effect, actions, resources }) =>
      effect === 'Allow' &&
      actions.some((each) => like(each, action)) &&
      resources.some((each) => like(each, resource)),
  );
}

function like(pattern: string, text: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${expression}$`).test(text);
}
