import * as z from 'zod';
import type { Condition } from './choice-rule.ts';
import { compileCondition } from './choice-rule.ts';
import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';
import { compilePath, UnsupportedDefinition } from './path.ts';
import type { PayloadTemplate } from './payload-template.ts';
import { compileExpression, compileTemplate } from './payload-template.ts';
import { timestamp } from './timestamp.ts';

/** The two service integrations that are known here. */
const INVOKE = 'arn:aws:states:::lambda:invoke';
export const INVOKE_AND_WAIT = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

const json: z.ZodType<Json> = z.json();
const path = compiled(z.string(), compilePath);
const expression = compiled(z.string(), compileExpression);
const template = compiled(json, compileTemplate);
const resultPath = compiled(z.string(), (text) => {
  const reference = compilePath(text);
  if (reference.root === 'context' || reference.steps.some((step) => typeof step === 'number'))
    throw new UnsupportedDefinition(`ResultPath names a field of the input: ${text}`);
  return reference;
});
export const seconds = z.int().min(1).max(99_999_999);
const oneOf = (...fields: readonly string[]) =>
  [
    (state: object) => fields.filter((field) => field in state).length <= 1,
    { error: `only one of ${fields.join(', ')}` },
  ] as const;

const errorEquals = z
  .array(z.string().min(1))
  .min(1)
  .refine(
    (names) =>
      !names.some((name) => name === 'States.Runtime' || name === 'States.DataLimitExceeded') &&
      !(names.includes('States.ALL') && names.length > 1),
    'States.ALL stands alone; States.Runtime and States.DataLimitExceeded are never retried or caught',
  );
const wildcardLast = [
  (rules: readonly { ErrorEquals: readonly string[] }[]) =>
    rules.slice(0, -1).every((rule) => !rule.ErrorEquals.includes('States.ALL')),
  'States.ALL stands in the last rule',
] as const;

const retrier = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  IntervalSeconds: seconds.default(1),
  MaxAttempts: z.int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
const catcher = z.strictObject({
  Comment: z.string().optional(),
  ErrorEquals: errorEquals,
  ResultPath: resultPath.nullable().optional(),
  Next: z.string(),
});

const anyState = { Comment: z.string().optional() };
const inAndOut = { InputPath: path.nullable().optional(), OutputPath: path.nullable().optional() };
const goesOn = { Next: z.string().optional(), End: z.literal(true).optional() };
const nextOrEnd = [
  (state: { Next?: string | undefined; End?: true | undefined }) =>
    (state.Next === undefined) !== (state.End === undefined),
  'a state has either Next or End',
] as const;

export const task = z
  .strictObject({
    Type: z.literal('Task'),
    ...anyState,
    ...inAndOut,
    ...goesOn,
    Resource: z.enum([INVOKE, INVOKE_AND_WAIT]),
    Parameters: compiled(json, compileInvocation),
    ResultSelector: template.optional(),
    ResultPath: resultPath.nullable().optional(),
    TimeoutSeconds: seconds.optional(),
    TimeoutSecondsPath: path.optional(),
    HeartbeatSeconds: seconds.optional(),
    HeartbeatSecondsPath: path.optional(),
    Retry: z
      .array(retrier)
      .refine(...wildcardLast)
      .optional(),
    Catch: z
      .array(catcher)
      .refine(...wildcardLast)
      .optional(),
  })
  .refine(...nextOrEnd)
  .refine(...oneOf('TimeoutSeconds', 'TimeoutSecondsPath'))
  .refine(...oneOf('HeartbeatSeconds', 'HeartbeatSecondsPath'))
  .refine(
    (state) =>
      state.Resource === INVOKE_AND_WAIT || !('HeartbeatSeconds' in state || 'HeartbeatSecondsPath' in state),
    'only a task that waits for its token can send heartbeats',
  );

export const pass = z
  .strictObject({
    Type: z.literal('Pass'),
    ...anyState,
    ...inAndOut,
    ...goesOn,
    Result: json.optional(),
    Parameters: template.optional(),
    ResultPath: resultPath.nullable().optional(),
  })
  .refine(...nextOrEnd);

export const wait = z
  .strictObject({
    Type: z.literal('Wait'),
    ...anyState,
    ...inAndOut,
    ...goesOn,
    Seconds: z.int().min(0).max(99_999_999).optional(),
    SecondsPath: path.optional(),
    Timestamp: z
      .string()
      .refine((text) => timestamp(text) !== undefined, 'not an RFC 3339 timestamp')
      .optional(),
    TimestampPath: path.optional(),
  })
  .refine(...nextOrEnd)
  .refine(
    (state) =>
      [state.Seconds, state.SecondsPath, state.Timestamp, state.TimestampPath].filter(
        (field) => field !== undefined,
      ).length === 1,
    'one of Seconds, SecondsPath, Timestamp, TimestampPath',
  );

const choiceRule = compiled(json, compileChoiceRule);
export const choice = z.strictObject({
  Type: z.literal('Choice'),
  ...anyState,
  ...inAndOut,
  Choices: z.array(choiceRule).min(1),
  Default: z.string().optional(),
});

export const succeed = z.strictObject({ Type: z.literal('Succeed'), ...anyState, ...inAndOut });
export const fail = z
  .strictObject({
    Type: z.literal('Fail'),
    ...anyState,
    Error: z.string().optional(),
    ErrorPath: expression.optional(),
    Cause: z.string().optional(),
    CausePath: expression.optional(),
  })
  .refine(...oneOf('Error', 'ErrorPath'))
  .refine(...oneOf('Cause', 'CausePath'));

/** A string or template that has to compile; its fault is one among the others. */
function compiled<In, Out>(schema: z.ZodType<In>, compile: (value: In) => Out) {
  return schema.transform((value, context) => {
    try {
      return compile(value);
    } catch (error) {
      if (!(error instanceof UnsupportedDefinition)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

/** Which function is called with what. */
export interface Invocation {
  functionName: string;
  payload: PayloadTemplate;
}

/** Only the parameters of `lambda:invoke` that are honoured here, and a function that is known beforehand. */
function compileInvocation(parameters: Json): Invocation {
  const { FunctionName, ...payload } = isJsonObject(parameters) ? parameters : {};
  const [field, ...others] = Object.keys(payload);
  if (typeof FunctionName !== 'string' || others.length > 0 || (field !== 'Payload' && field !== 'Payload.$'))
    throw new UnsupportedDefinition('lambda:invoke takes FunctionName and Payload here, and nothing else');
  const template = compileTemplate(payload);
  return {
    functionName: FunctionName,
    payload: (scope) => {
      const made = template(scope);
      return isJsonObject(made) ? (made.Payload ?? null) : null;
    },
  };
}

function compileChoiceRule(rule: Json): { Next: string; holds: Condition } {
  if (!isJsonObject(rule) || typeof rule.Next !== 'string')
    throw new UnsupportedDefinition(`a choice rule has a Next: ${JSON.stringify(rule)}`);
  const { Next, ...condition } = rule;
  return { Next: rule.Next, holds: compileCondition(condition) };
}
