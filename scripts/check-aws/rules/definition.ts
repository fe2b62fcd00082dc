import * as errors from '../../../experiment/util/errors.ts';
import type { Table } from '../template/finding.ts';
import { table } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { entriesAt, isRecord, listAt, stringsIn, textAt } from '../template/json.ts';
import type { System } from '../template/place.ts';
import { Place } from '../template/place.ts';

const RESOURCES = ['arn:aws:states:::lambda:invoke', 'arn:aws:states:::lambda:invoke.waitForTaskToken'];
const RESERVED = /^States\.(ALL|TaskFailed|Timeout|HeartbeatTimeout|Permissions|Runtime|DataLimitExceeded)$/;
const OPERATORS =
  /^(And|Or|Not|Variable|Next|Is(Null|Present|Numeric|String|Boolean|Timestamp)|(String|Numeric|Timestamp)(Equals|LessThan|GreaterThan|LessThanEquals|GreaterThanEquals)(Path)?|BooleanEquals(Path)?|StringMatches)$/;
/** Errors that somebody throws, by their literal names. */
const TERMINAL = namesOf(errors.TerminalError);
const ERROR_NAMES = [...TERMINAL, ...namesOf(errors.TransientError)];
/** Lambda's own word for an account whose functions all run. */
const REFUSED_BY_LAMBDA = 'Lambda.TooManyRequestsException';
const MAX_TRANSITIONS = 8;

/** What no validator of the states language sees. */
export const DEFINITION: readonly Table[] = [
  table((system) => [machineOf(system)], {
    jsonata: [
      'the local interpreter runs JSONPath only',
      (machine) => machine.at('QueryLanguage') !== 'JSONata',
    ],
    'too-many-transitions': [
      `at most ${MAX_TRANSITIONS} transitions`,
      (machine) => machine.entries('States').length <= MAX_TRANSITIONS,
    ],
  }),
  table((system) => [machineOf(system).part(machineOf(system).at('States', 'Run'), 'Run')], {
    'job-left-alone': [
      'any error must lead to Stop, or the job runs on and bills',
      (run) =>
        run
          .parts('Catch')
          .some((rule) => rule.text('ErrorEquals', 0) === 'States.ALL' && rule.text('Next') === 'Stop'),
    ],
  }),
  table(transitions, {
    'no-such-state': [({ to }) => `there is no state ${to}`, ({ to, states }) => states.includes(to)],
  }),
  table((system) => statesOf(system, 'Choice'), {
    'choice-without-default': [
      'a value that no rule matches fails the execution past every catch',
      (state) => state.text('Default') !== '',
    ],
  }),
  table(comparisons, {
    'unknown-operator': [
      ({ operator }) => `${operator} is no comparison`,
      ({ operator }) => OPERATORS.test(operator),
    ],
  }),
  table((system) => statesOf(system, 'Task'), {
    'unknown-resource': [
      (task) => `${task.text('Resource')} is none of ${RESOURCES.join(', ')}`,
      (task) => RESOURCES.includes(task.text('Resource')),
    ],
    'no-token': [
      'the function would have nothing to complete the state with',
      (task) => !waitsForToken(task) || hasToken(task),
    ],
    'token-nobody-waits-for': [
      'the state hands out a token and does not wait for it',
      (task) => waitsForToken(task) || !hasToken(task),
    ],
    'no-timeout': [
      'a task without a limit waits for a year',
      (task) => task.has('TimeoutSeconds') || task.has('TimeoutSecondsPath'),
    ],
    'heartbeat-over-timeout': [
      'the heartbeat can never be missed in time',
      (task) =>
        !task.has('TimeoutSeconds') ||
        Number(task.text('HeartbeatSeconds') || 0) < task.number('TimeoutSeconds'),
    ],
    'function-fixed': [
      'the function comes from the template',
      (task) => /^\$\{[A-Za-z]+\}$/.test(task.text('Parameters', 'FunctionName')),
    ],
  }),
  table(errorRules, {
    'no-errors': ['ErrorEquals is empty', ({ errors }) => errors.length > 0],
    'all-not-alone': [
      'States.ALL must stand alone',
      ({ errors }) => !errors.includes('States.ALL') || errors.length === 1,
    ],
    'all-not-last': [
      'States.ALL must be the last rule',
      ({ errors, isLast }) => !errors.includes('States.ALL') || isLast,
    ],
    'rule-never-reached': [
      'an earlier rule takes these errors',
      ({ errors, earlier }) =>
        errors.every(
          (error) =>
            !earlier.includes(error) &&
            !(earlier.includes('States.TaskFailed') && !error.startsWith('States.')),
        ),
    ],
  }),
  table(namedErrors, {
    'unknown-error': [
      ({ error }) => `nothing throws ${error}`,
      ({ error }) =>
        error.startsWith('States.')
          ? RESERVED.test(error)
          : ERROR_NAMES.includes(error) || error === REFUSED_BY_LAMBDA,
    ],
  }),
  table((system) => errorRules(system).filter(({ kind }) => kind === 'Retry'), {
    'retries-without-end': [
      'an execution has 25,000 history events',
      ({ maxAttempts }) => maxAttempts <= 300,
    ],
    'terminal-retried': [
      'trying again cannot help',
      ({ maxAttempts, errors }) => maxAttempts === 0 || !errors.some((error) => TERMINAL.includes(error)),
    ],
  }),
  // `"x.$": "text"` and `"x": "$.path"`: both are taken, and neither is meant.
  table(values, {
    'no-path': [
      ({ key, value }) => `${key} is no path: ${textAt(value)}`,
      ({ key, value }) =>
        typeof value !== 'string' || !key.endsWith('.$') || isPath(value) || value.startsWith('States.'),
    ],
    'path-as-text': [
      ({ key, value }) => `${key} is the text ${textAt(value)}, not what lies there`,
      ({ key, value }) => !isPath(value) || key.endsWith('.$'),
    ],
  }),
];

function machineOf(system: System): Place {
  return new Place(system, { name: 'state machine', properties: system.asl, whole: {} });
}

/** The states, or those of one type. */
function statesOf(system: System, type?: string): Place[] {
  const machine = machineOf(system);
  return machine
    .entries('States')
    .map(([name, state]) => machine.part(state, name))
    .filter((state) => type === undefined || state.text('Type') === type);
}

function transitions(system: System) {
  const states = statesOf(system).map(({ name }) => name);
  return statesOf(system).flatMap((state) =>
    [...state.texts('Next'), ...state.parts('Catch').map((rule) => rule.text('Next'))].map((to) => ({
      name: state.name,
      to,
      states,
    })),
  );
}

function comparisons(system: System) {
  return statesOf(system, 'Choice').flatMap((state) =>
    state
      .list('Choices')
      .flatMap((choice) => operatorsIn(choice).map((operator) => ({ name: state.name, operator }))),
  );
}

function operatorsIn(choice: Json): string[] {
  return entriesAt(choice).flatMap(([operator, value]) => {
    if (operator === 'And' || operator === 'Or') return [operator, ...listAt(value).flatMap(operatorsIn)];
    return [operator, ...(operator === 'Not' && isRecord(value) ? operatorsIn(value) : [])];
  });
}

const waitsForToken = (task: Place) => task.text('Resource').endsWith('.waitForTaskToken');
const hasToken = (task: Place) => [...stringsIn(task.at('Parameters', 'Payload'))].includes('$$.Task.Token');

/** The rules for errors of every state, in their order. */
function errorRules(system: System) {
  return statesOf(system).flatMap((state) =>
    ['Retry', 'Catch'].flatMap((kind) => {
      const rules = state.parts(kind);
      return rules.map((rule, index) => ({
        name: `${state.name}.${kind}[${index}]`,
        kind,
        errors: rule.texts('ErrorEquals'),
        earlier: rules.slice(0, index).flatMap((before) => before.texts('ErrorEquals')),
        isLast: index === rules.length - 1,
        maxAttempts: Number(rule.text('MaxAttempts') || 3),
      }));
    }),
  );
}

function namedErrors(system: System) {
  return errorRules(system).flatMap((rule) => rule.errors.map((error) => ({ name: rule.name, error })));
}

/** What states hand on, key by key. */
function values(system: System) {
  return statesOf(system).flatMap((state) =>
    ['Parameters', 'ResultSelector']
      .flatMap((part) => valuesIn(state.at(part)))
      .map(([key, value]) => ({ name: state.name, key, value })),
  );
}

function valuesIn(template: Json | undefined): [key: string, value: Json][] {
  return entriesAt(template).flatMap(([key, value]): [string, Json][] => [[key, value], ...valuesIn(value)]);
}

const isPath = (value: Json) => typeof value === 'string' && /^\$(\.|\$|\[|$)/.test(value);

function namesOf(family: typeof errors.TerminalError | typeof errors.TransientError): string[] {
  return Object.values(errors).flatMap((made) =>
    made.prototype instanceof family ? [String(Object(Reflect.construct(made, [''])).name)] : [],
  );
}
