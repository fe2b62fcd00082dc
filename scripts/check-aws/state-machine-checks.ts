import type { Check } from './finding.ts';
import { named, referred } from './finding.ts';
import type { Json } from './json.ts';
import { at, entriesAt, isRecord, listAt, stringsIn, textAt, textsAt } from './json.ts';

const RESOURCES = ['arn:aws:states:::lambda:invoke', 'arn:aws:states:::lambda:invoke.waitForTaskToken'];
const RESERVED = /^States\.(ALL|TaskFailed|Timeout|HeartbeatTimeout|Permissions|Runtime|DataLimitExceeded)$/;
const OPERATORS =
  /^(And|Or|Not|Variable|Next|Is(Null|Present|Numeric|String|Boolean|Timestamp)|(String|Numeric|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)(Path)?|BooleanEquals(Path)?|StringMatches)$/;
/** Literal names of experiment/errors.ts; a test compares. */
const ERROR_NAMES = [
  'ServiceUnavailable',
  'ControlConflict',
  'StillStopping',
  'RunRefused',
  'UnknownRecord',
  'RunIdCollision',
];
const MOST_TRANSITIONS = 8;

/** What no validator of the states language sees. */
export const checkAsl: Check = ({ asl }, found) => {
  const states = entriesAt(asl, 'States');
  for (const [name, state] of states) {
    for (const [kind, rules] of [
      ['Retry', listAt(state, 'Retry')],
      ['Catch', listAt(state, 'Catch')],
    ] as const)
      checkErrorRules(name, kind, rules, found);
    if (textAt(state, 'Type') === 'Task') checkTask(name, state, found);
    if (textAt(state, 'Type') === 'Choice') {
      found.expect(
        textAt(state, 'Default') !== '',
        'choice-without-default',
        name,
        'a value that no rule matches fails the execution past every catch',
      );
      for (const choice of listAt(state, 'Choices')) checkOperators(name, choice, found);
    }
    const next = textsAt(state, 'Next').concat(listAt(state, 'Catch').map((rule) => textAt(rule, 'Next')));
    for (const to of next)
      found.expect(at(asl, 'States', to) !== undefined, 'no-such-state', name, `there is no state ${to}`);
  }
  found.expect(
    at(asl, 'QueryLanguage') !== 'JSONata',
    'jsonata',
    'state machine',
    'the local interpreter runs JSONPath only',
  );
  found.expect(
    listAt(at(asl, 'States', 'Run'), 'Catch').some(
      (rule) => textAt(rule, 'ErrorEquals', 0) === 'States.ALL' && textAt(rule, 'Next') === 'Stop',
    ),
    'job-left-alone',
    'Run',
    'any error must lead to Stop, or the job runs on and bills',
  );
  found.expect(
    states.length <= MOST_TRANSITIONS,
    'too-many-transitions',
    'state machine',
    `at most ${MOST_TRANSITIONS} transitions`,
  );
};

function checkTask(name: string, state: Json, found: Parameters<Check>[1]): void {
  const resource = textAt(state, 'Resource');
  found.expect(
    RESOURCES.includes(resource),
    'unknown-resource',
    name,
    `${resource} is none of ${RESOURCES.join(', ')}`,
  );
  const hasToken = [...stringsIn(at(state, 'Parameters', 'Payload'))].includes('$$.Task.Token');
  const waits = resource.endsWith('.waitForTaskToken');
  found.expect(
    !waits || hasToken,
    'no-token',
    name,
    'the function would have nothing to complete the state with',
  );
  found.expect(
    waits || !hasToken,
    'token-nobody-waits-for',
    name,
    'the state hands out a token and does not wait for it',
  );
  const limit = at(state, 'TimeoutSeconds');
  found.expect(
    limit !== undefined || at(state, 'TimeoutSecondsPath') !== undefined,
    'no-timeout',
    name,
    'a task without a limit waits for a year',
  );
  const beat = Number(textAt(state, 'HeartbeatSeconds') || 0);
  found.expect(
    limit === undefined || beat < Number(textAt(state, 'TimeoutSeconds')),
    'heartbeat-over-timeout',
    name,
    'the heartbeat can never be missed in time',
  );
  found.expect(
    /^\$\{[A-Za-z]+\}$/.test(textAt(state, 'Parameters', 'FunctionName')),
    'function-fixed',
    name,
    'the function comes from the template',
  );
}

function checkErrorRules(
  name: string,
  kind: string,
  rules: readonly Json[],
  found: Parameters<Check>[1],
): void {
  rules.forEach((rule, index) => {
    const errors = textsAt(rule, 'ErrorEquals');
    const where = `${name}.${kind}[${index}]`;
    found.expect(errors.length > 0, 'no-errors', where, 'ErrorEquals is empty');
    if (errors.includes('States.ALL')) {
      found.expect(errors.length === 1, 'all-not-alone', where, 'States.ALL must stand alone');
      found.expect(index === rules.length - 1, 'all-not-last', where, 'States.ALL must be the last rule');
    }
    for (const error of errors)
      found.expect(
        error.startsWith('States.') ? RESERVED.test(error) : ERROR_NAMES.includes(error),
        'unknown-error',
        where,
        `nothing throws ${error}`,
      );
    const earlier = rules.slice(0, index).flatMap((each) => textsAt(each, 'ErrorEquals'));
    found.expect(
      errors.every(
        (error) =>
          !earlier.includes(error) &&
          !(earlier.includes('States.TaskFailed') && !error.startsWith('States.')),
      ),
      'rule-never-reached',
      where,
      'an earlier rule takes these errors',
    );
    if (kind !== 'Retry') return;
    const most = Number(textAt(rule, 'MaxAttempts') || 3);
    found.expect(most <= 300, 'retries-without-end', where, 'an execution has 25,000 history events');
    found.expect(
      most === 0 ||
        errors.every((error) => !['RunRefused', 'UnknownRecord', 'RunIdCollision'].includes(error)),
      'terminal-retried',
      where,
      'trying again cannot help',
    );
  });
}

function checkOperators(name: string, choice: Json, found: Parameters<Check>[1]): void {
  for (const [key, value] of entriesAt(choice)) {
    found.expect(OPERATORS.test(key), 'unknown-operator', name, `${key} is no comparison`);
    for (const inner of key === 'And' || key === 'Or'
      ? listAt(value)
      : key === 'Not' && isRecord(value)
        ? [value]
        : [])
      checkOperators(name, inner, found);
  }
}

/** The machine in the template. */
export const checkStateMachine: Check = ({ stack, asl }, found) => {
  const { properties, name } = named(stack, 'StateMachine');
  const wanted = new Set(
    [...stringsIn(asl)].flatMap((text) =>
      [...text.matchAll(/\$\{([^}]+)\}/g)].map((match) => match[1] ?? ''),
    ),
  );
  const given = new Map(entriesAt(properties, 'DefinitionSubstitutions'));
  for (const each of wanted) {
    const target = given.get(each);
    found.expect(
      target !== undefined,
      'no-substitution',
      name,
      `\${${each}} of the definition is given nowhere`,
    );
    const expected = `<${each.replace(/Arn$/, '')}.Arn>`;
    found.expect(
      target === undefined ||
        (textAt(target) === expected && referred(stack, expected)?.type === 'AWS::Serverless::Function'),
      'wrong-substitution',
      name,
      `\${${each}} is not the function of that name`,
    );
  }
  for (const each of given.keys())
    found.expect(
      wanted.has(each),
      'unused-substitution',
      name,
      `\${${each}} does not stand in the definition`,
    );
  found.expect(
    textAt(properties, 'Type') === 'STANDARD',
    'express',
    name,
    'an express execution lives for five minutes and knows no task tokens',
  );
  found.expect(
    textAt(properties, 'DefinitionUri') === 'statemachine/experiment.asl.json',
    'other-definition',
    name,
    'that is not the definition that is tested',
  );
  found.expect(
    textAt(properties, 'Logging', 'IncludeExecutionData') === 'false',
    'tokens-in-logs',
    name,
    'task tokens are in the data',
  );
  found.expect(
    listAt(properties, 'Logging', 'Destinations').length === 1 &&
      textAt(properties, 'Logging', 'Level') !== 'OFF',
    'no-logs',
    name,
    'a failure of the machine itself would be seen nowhere',
  );
  found.expect(
    textAt(properties, 'Tracing', 'Enabled') === 'true',
    'no-tracing',
    name,
    'traces end at the functions',
  );
  const arn = `arn:aws:states:eu-central-1:123456789012:stateMachine:${textAt(properties, 'Name')}`;
  for (const each of ['IngestFunction', 'SubmitFunction', 'SettleFunction', 'CollectFunction'])
    found.expect(
      textAt(named(stack, each).properties, 'Environment', 'Variables', 'SIERRA_BATCH_STATE_MACHINE') === arn,
      'other-state-machine',
      each,
      'its environment names another state machine',
    );
  for (const [state, target] of [
    ['Stop', 'SettleFunction'],
    ['Collect', 'CollectFunction'],
  ] as const)
    found.expect(
      Number(textAt(named(stack, target).properties, 'Timeout')) <
        Number(textAt(asl, 'States', state, 'TimeoutSeconds')),
      'function-outlives-state',
      target,
      `the state ${state} gives up first, and a second copy starts beside the first`,
    );
};
