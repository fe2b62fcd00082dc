import * as z from 'zod';

const RESOURCES = [
  'arn:aws:states:::lambda:invoke',
  'arn:aws:states:::lambda:invoke.waitForTaskToken',
] as const;
const BUILT_IN = [
  'States.ALL',
  'States.TaskFailed',
  'States.Timeout',
  'States.HeartbeatTimeout',
  'States.Permissions',
];
const OPERATORS =
  /^(Is(Null|Present|Numeric|String|Boolean|Timestamp)|StringMatches|(Boolean|(String|Numeric|Timestamp)(?:LessThan|GreaterThan)?)Equals(Path)?|(String|Numeric|Timestamp)(LessThan|GreaterThan)(Path)?)$/;

const rule = z.looseObject({ ErrorEquals: z.array(z.string()) });
const state = z.looseObject({
  Type: z.string(),
  Resource: z.string().optional(),
  Parameters: z.unknown().optional(),
  TimeoutSeconds: z.number().optional(),
  TimeoutSecondsPath: z.string().optional(),
  HeartbeatSeconds: z.number().optional(),
  Retry: z.array(rule).default([]),
  Catch: z.array(rule).default([]),
  Choices: z.array(z.record(z.string(), z.unknown())).default([]),
  Default: z.string().optional(),
});
type State = z.infer<typeof state>;

/**
 * What validators of the States Language pass over and AWS refuses only when it is deployed, or never.
 * @param names of errors that somebody throws
 * @returns a sentence for each fault
 */
export function checkDefinition(definition: unknown, names: readonly string[]): string[] {
  const { States } = z.object({ States: z.record(z.string(), state) }).parse(definition);
  return Object.entries(States).flatMap(([name, one]) =>
    [
      ...(one.Type === 'Task' ? taskFaults(one) : []),
      ...ruleFaults(one.Retry, 'Retry', names),
      ...ruleFaults(one.Catch, 'Catch', names),
      ...(one.Type === 'Choice' ? choiceFaults(one) : []),
      ...templateFaults(one),
    ].map((fault) => `${name}: ${fault}`),
  );
}

function taskFaults(task: State): string[] {
  const faults: string[] = [];
  if (!RESOURCES.some((known) => known === task.Resource))
    faults.push(`no integration is called ${task.Resource}`);
  const holdsToken = JSON.stringify(task.Parameters ?? {}).includes('"$$.Task.Token"');
  if (holdsToken !== (task.Resource ?? '').endsWith('.waitForTaskToken'))
    faults.push('the token is for a task that waits for it, and only for that');
  if (task.TimeoutSeconds === undefined && task.TimeoutSecondsPath === undefined)
    faults.push('without a time limit it may wait for a year');
  if (task.HeartbeatSeconds !== undefined && task.HeartbeatSeconds >= (task.TimeoutSeconds ?? 0))
    faults.push('the heartbeat is not shorter than the time limit');
  return faults;
}

function ruleFaults(
  rules: readonly z.infer<typeof rule>[],
  field: string,
  names: readonly string[],
): string[] {
  return rules.flatMap(({ ErrorEquals }, index) => {
    const unknown = ErrorEquals.filter((name) => !names.includes(name) && !BUILT_IN.includes(name));
    const faults = unknown.map((name) => `${field} names ${name}, which nobody throws`);
    if (!ErrorEquals.includes('States.ALL')) return faults;
    if (ErrorEquals.length > 1) faults.push(`${field}: States.ALL does not stand alone`);
    if (index < rules.length - 1) faults.push(`${field}: States.ALL is not last`);
    return faults;
  });
}

function choiceFaults({ Choices, Default }: State): string[] {
  const faults = Choices.flatMap((choice) => {
    const operators = Object.keys(choice).filter((key) => !['Variable', 'Next', 'Comment'].includes(key));
    const odd = operators.filter((key) => !['And', 'Or', 'Not'].includes(key) && !OPERATORS.test(key));
    return [
      ...odd.map((key) => `there is no comparison ${key}`),
      ...(operators.length === 1 ? [] : ['a rule has exactly one comparison']),
    ];
  });
  return Default === undefined ? [...faults, 'without Default another value ends in States.Runtime'] : faults;
}

/** `"x.$": "literal"` and `"x": "$.path"`: both are taken, and neither is meant. */
function templateFaults(one: State): string[] {
  const walk = (value: unknown): string[] =>
    typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, inner]) => {
          const isPath = typeof inner === 'string' && /^\$(\.|\$|\[|$)/.test(inner);
          if (typeof inner === 'string' && key.endsWith('.$') && !isPath && !inner.startsWith('States.'))
            return [`${key} is no path: ${inner}`];
          if (isPath && !key.endsWith('.$')) return [`${key} is the text ${inner}, not what lies there`];
          return walk(inner);
        });
  return [...walk(one.Parameters), ...walk(one.ResultSelector)];
}
