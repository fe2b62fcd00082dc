import * as errors from '../../../experiment/util/errors.ts';
import { loadDefinition } from '../../../local/aws/states/language/definition.ts';
import { UnsupportedDefinition } from '../../../local/aws/states/language/path.ts';
import type { Table } from '../template/finding.ts';
import { table } from '../template/finding.ts';
import type { Json } from '../template/json.ts';
import { entriesAt, stringsIn } from '../template/json.ts';
import type { System } from '../template/place.ts';
import { Place } from '../template/place.ts';

const RESERVED = /^States\.(ALL|TaskFailed|Timeout|HeartbeatTimeout|Permissions|Runtime|DataLimitExceeded)$/;
/** Errors that somebody throws, by their literal names. */
const TERMINAL = namesOf(errors.TerminalError);
const ERROR_NAMES = [...TERMINAL, ...namesOf(errors.TransientError)];
/** Lambda's own word for an account whose functions all run. */
const REFUSED_BY_LAMBDA = 'Lambda.TooManyRequestsException';
const MAX_TRANSITIONS = 8;

/** What the local interpreter refuses, and what no validator of the states language sees. */
export const DEFINITION: readonly Table[] = [
  table((system) => [machineOf(system)], {
    'not-interpreted': [(fault) => `the local interpreter refuses it: ${fault}`, refusals],
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
  table((system) => statesOf(system), {
    // AWS takes it, and it is not meant.
    'path-as-text': [
      (key, text) => `${key} is the text ${text}, not what lies there`,
      (state) => textsHandedOn(state).filter(([key, text]) => IS_PATH.test(text) && !key.endsWith('.$')),
    ],
  }),
  table((system) => statesOf(system, 'Task'), {
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
    'function-fixed': [
      'the function comes from the template',
      (task) => /^\$\{[A-Za-z]+\}$/.test(task.text('Parameters', 'FunctionName')),
    ],
  }),
  table(errorRules, {
    'unknown-error': [
      (error) => `nothing throws ${error}`,
      ({ errors }) =>
        errors.filter((error) =>
          error.startsWith('States.')
            ? !RESERVED.test(error)
            : !ERROR_NAMES.includes(error) && error !== REFUSED_BY_LAMBDA,
        ),
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
];

function refusals({ properties }: Place): string[] {
  try {
    // What a substitution stands for is another table's.
    loadDefinition(JSON.stringify(properties).replaceAll('${', 'arn:{'));
    return [];
  } catch (error) {
    if (error instanceof UnsupportedDefinition) return [error.message];
    throw error;
  }
}

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
        maxAttempts: Number(rule.text('MaxAttempts') || 3),
      }));
    }),
  );
}

const IS_PATH = /^\$(\.|\$|\[|$)/;

/** The texts that a state hands on, each with its key. */
function textsHandedOn(state: Place): (readonly [key: string, text: string])[] {
  return ['Parameters', 'ResultSelector'].flatMap((part) => textsIn(state.at(part)));
}

function textsIn(template: Json | undefined): (readonly [key: string, text: string])[] {
  return entriesAt(template).flatMap(([key, value]) =>
    typeof value === 'string' ? [[key, value] as const] : textsIn(value),
  );
}

function namesOf(family: typeof errors.TerminalError | typeof errors.TransientError): string[] {
  return Object.values(errors).flatMap((made) =>
    made.prototype instanceof family ? [String(Object(Reflect.construct(made, [''])).name)] : [],
  );
}
