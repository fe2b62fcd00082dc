import * as errors from '../../../experiment/util/errors.ts';
import type { Found } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { at, entriesAt, isRecord, listAt, stringsIn, textAt, textsAt } from '../template/json.ts';

const RESOURCES = ['arn:aws:states:::lambda:invoke', 'arn:aws:states:::lambda:invoke.waitForTaskToken'];
const RESERVED = /^States\.(ALL|TaskFailed|Timeout|HeartbeatTimeout|Permissions|Runtime|DataLimitExceeded)$/;
const OPERATORS =
  /^(And|Or|Not|Variable|Next|Is(Null|Present|Numeric|String|Boolean|Timestamp)|(String|Numeric|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)(Path)?|BooleanEquals(Path)?|StringMatches)$/;
/** Errors that somebody throws, by their literal names. */
const TERMINAL = namesOf(errors.TerminalError);
const ERROR_NAMES = [...TERMINAL, ...namesOf(errors.TransientError)];
/** Lambda's own word for an account whose functions all run. */
const REFUSED_BY_LAMBDA = 'Lambda.TooManyRequestsException';
const MOST_TRANSITIONS = 8;

/** What no validator of the states language sees. */
export function checkAsl({ asl }: { asl: Json }, found: Found): void {
  const states = entriesAt(asl, 'States');
  for (const [name, state] of states) {
    for (const [kind, rules] of [
      ['Retry', listAt(state, 'Retry')],
      ['Catch', listAt(state, 'Catch')],
    ] as const)
      checkErrorRules(name, kind, rules, found);
    if (textAt(state, 'Type') === 'Task') checkTask(name, state, found);
    for (const part of ['Parameters', 'ResultSelector']) checkPaths(name, at(state, part), found);
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
}

function checkTask(name: string, state: Json, found: Found): void {
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

function checkErrorRules(name: string, kind: string, rules: readonly Json[], found: Found): void {
  rules.forEach((rule, index) => {
    const named = textsAt(rule, 'ErrorEquals');
    const where = `${name}.${kind}[${index}]`;
    found.expect(named.length > 0, 'no-errors', where, 'ErrorEquals is empty');
    if (named.includes('States.ALL')) {
      found.expect(named.length === 1, 'all-not-alone', where, 'States.ALL must stand alone');
      found.expect(index === rules.length - 1, 'all-not-last', where, 'States.ALL must be the last rule');
    }
    for (const error of named)
      found.expect(
        error.startsWith('States.')
          ? RESERVED.test(error)
          : ERROR_NAMES.includes(error) || error === REFUSED_BY_LAMBDA,
        'unknown-error',
        where,
        `nothing throws ${error}`,
      );
    const earlier = rules.slice(0, index).flatMap((each) => textsAt(each, 'ErrorEquals'));
    found.expect(
      named.every(
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
      most === 0 || named.every((error) => !TERMINAL.includes(error)),
      'terminal-retried',
      where,
      'trying again cannot help',
    );
  });
}

/** `"x.$": "text"` and `"x": "$.path"`: both are taken, and neither is meant. */
function checkPaths(name: string, template: Json | undefined, found: Found): void {
  for (const [key, value] of entriesAt(template)) {
    const isPath = typeof value === 'string' && /^\$(\.|\$|\[|$)/.test(value);
    found.expect(
      typeof value !== 'string' || !key.endsWith('.$') || isPath || value.startsWith('States.'),
      'no-path',
      name,
      `${key} is no path: ${textAt(value)}`,
    );
    found.expect(
      !isPath || key.endsWith('.$'),
      'path-as-text',
      name,
      `${key} is the text ${textAt(value)}, not what lies there`,
    );
    checkPaths(name, value, found);
  }
}

function checkOperators(name: string, choice: Json, found: Found): void {
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

function namesOf(family: typeof errors.TerminalError | typeof errors.TransientError): string[] {
  return Object.values(errors).flatMap((made) =>
    made.prototype instanceof family ? [String(Object(Reflect.construct(made, [''])).name)] : [],
  );
}
