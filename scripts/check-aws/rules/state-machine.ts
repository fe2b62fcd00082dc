import type { Table } from '../template/finding.ts';
import { one, table } from '../template/finding.ts';
import { stringsIn, textAt } from '../template/json.ts';
import type { System } from '../template/place.ts';
import { placeNamed } from '../template/place.ts';
import { referred } from '../template/resolve.ts';

const FUNCTIONS = ['IngestFunction', 'SubmitFunction', 'SettleFunction', 'CollectFunction'];

/** The machine in the template. */
export const STATE_MACHINE: readonly Table[] = [
  table(wantedSubstitutions, {
    'no-substitution': [
      ({ variable }) => `\${${variable}} of the definition is given nowhere`,
      ({ value }) => value !== undefined,
    ],
    'wrong-substitution': [
      ({ variable }) => `\${${variable}} is not the function of that name`,
      ({ variable, value, stack }) => {
        const expected = `<${variable.replace(/Arn$/, '')}.Arn>`;
        return (
          value === undefined ||
          (textAt(value) === expected && referred(stack, expected)?.type === 'AWS::Serverless::Function')
        );
      },
    ],
  }),
  table(givenSubstitutions, {
    'unused-substitution': [
      ({ variable }) => `\${${variable}} does not stand in the definition`,
      ({ variable, wanted }) => wanted.includes(variable),
    ],
  }),
  one('StateMachine', {
    express: [
      'an express execution lives for five minutes and knows no task tokens',
      (machine) => machine.text('Type') === 'STANDARD',
    ],
    'other-definition': [
      'that is not the definition that is tested',
      (machine) => machine.text('DefinitionUri') === 'statemachine/experiment.asl.json',
    ],
    'tokens-in-logs': [
      'task tokens are in the data',
      (machine) => machine.text('Logging', 'IncludeExecutionData') === 'false',
    ],
    'no-logs': [
      'a failure of the machine itself would be seen nowhere',
      (machine) =>
        machine.list('Logging', 'Destinations').length === 1 && machine.text('Logging', 'Level') !== 'OFF',
    ],
    'no-tracing': ['traces end at the functions', (machine) => machine.text('Tracing', 'Enabled') === 'true'],
  }),
  table((system) => FUNCTIONS.map((name) => placeNamed(name)(system)), {
    'other-state-machine': [
      'its environment names another state machine',
      (each) =>
        each.text('Environment', 'Variables', 'SIERRA_BATCH_STATE_MACHINE') ===
        `arn:aws:states:eu-central-1:123456789012:stateMachine:${each.other('StateMachine').text('Name')}`,
    ],
  }),
  table(functionsOfStates, {
    'function-outlives-state': [
      ({ state }) => `the state ${state} gives up first, and a second copy starts beside the first`,
      ({ timeout, limit }) => timeout < limit,
    ],
  }),
];

/** What the definition leaves to the template. */
function variablesOf({ asl }: System): string[] {
  const found = [...stringsIn(asl)].flatMap((text) => [...text.matchAll(/\$\{([^}]+)\}/g)]);
  return [...new Set(found.map((match) => match[1] ?? ''))];
}

function wantedSubstitutions(system: System) {
  const machine = placeNamed('StateMachine')(system);
  const given = new Map(machine.entries('DefinitionSubstitutions'));
  return variablesOf(system).map((variable) => ({
    name: machine.name,
    variable,
    value: given.get(variable),
    stack: system.stack,
  }));
}

function givenSubstitutions(system: System) {
  const machine = placeNamed('StateMachine')(system);
  const wanted = variablesOf(system);
  return machine
    .entries('DefinitionSubstitutions')
    .map(([variable]) => ({ name: machine.name, variable, wanted }));
}

function functionsOfStates(system: System) {
  const pairs = [
    ['Stop', 'SettleFunction'],
    ['Collect', 'CollectFunction'],
  ] as const;
  return pairs.map(([state, name]) => ({
    name,
    state,
    timeout: placeNamed(name)(system).number('Timeout'),
    limit: Number(textAt(system.asl, 'States', state, 'TimeoutSeconds')),
  }));
}
