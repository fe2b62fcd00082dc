import * as z from 'zod';
import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';
import { compilePath, UnsupportedDefinition } from './path.ts';
import type { PayloadTemplate } from './payload-template.ts';
import { compileTemplate } from './payload-template.ts';

/** The two service integrations that are known here. */
const INVOKE = 'arn:aws:states:::lambda:invoke';
export const INVOKE_AND_WAIT = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

const json: z.ZodType<Json> = z.json();
const path = compiled(z.string(), compilePath);
const template = compiled(json, compileTemplate);
const resultPath = compiled(z.string(), (text) => {
  const reference = compilePath(text);
  if (reference.root === 'context')
    throw new UnsupportedDefinition(`ResultPath names a field of the input: ${text}`);
  return reference;
});
const seconds = z.int().min(1).max(99_999_999);

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
  ErrorEquals: errorEquals,
  IntervalSeconds: seconds.default(1),
  MaxAttempts: z.int().min(0).max(99_999_999).default(3),
  BackoffRate: z.number().min(1).default(2),
  MaxDelaySeconds: z.int().min(1).max(31_622_400).optional(),
  JitterStrategy: z.enum(['FULL', 'NONE']).default('NONE'),
});
const catcher = z.strictObject({
  ErrorEquals: errorEquals,
  ResultPath: resultPath.nullable().optional(),
  Next: z.string(),
});

export const task = z
  .strictObject({
    Type: z.literal('Task'),
    Next: z.string().optional(),
    End: z.literal(true).optional(),
    Resource: z.enum([INVOKE, INVOKE_AND_WAIT]),
    Parameters: compiled(json, compileInvocation),
    ResultSelector: template.optional(),
    ResultPath: resultPath.nullable().optional(),
    TimeoutSeconds: seconds.optional(),
    TimeoutSecondsPath: path.optional(),
    Retry: z
      .array(retrier)
      .refine(...wildcardLast)
      .optional(),
    Catch: z
      .array(catcher)
      .refine(...wildcardLast)
      .optional(),
  })
  .refine(
    (state) => (state.Next === undefined) !== (state.End === undefined),
    'a state has either Next or End',
  )
  .refine(
    (state) => state.TimeoutSeconds === undefined || state.TimeoutSecondsPath === undefined,
    'only one of TimeoutSeconds, TimeoutSecondsPath',
  );

export const choice = z.strictObject({
  Type: z.literal('Choice'),
  Choices: z.array(z.strictObject({ Variable: path, StringEquals: z.string(), Next: z.string() })).min(1),
  Default: z.string(),
});

export const succeed = z.strictObject({ Type: z.literal('Succeed') });
export const fail = z.strictObject({ Type: z.literal('Fail'), ErrorPath: path, CausePath: path });

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
