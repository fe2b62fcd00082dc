import type { Table } from '../template/finding.ts';
import { one, table } from '../template/finding.ts';
import { stringsIn, textAt } from '../template/json.ts';
import type { System } from '../template/place.ts';
import { placeNamed } from '../template/place.ts';

const FUNCTIONS = ['IngestFunction', 'SubmitFunction', 'SettleFunction', 'CollectFunction'];

/** The machine in the template. */
export const STATE_MACHINE: readonly Table[] = [
  one('StateMachine', {
    'no-substitution': [
      (variable) => `\${${variable}} of the definition is given nowhere`,
      (machine) =>
        variablesOf(machine.system).filter((variable) => !machine.has('DefinitionSubstitutions', variable)),
    ],
    'wrong-substitution': [
      (variable) => `\${${variable}} is not the function of that name`,
      (machine) =>
        variablesOf(machine.system).filter((variable) => {
          const path = ['DefinitionSubstitutions', variable];
          const isRight =
            machine.text(...path) === `<${variable.replace(/Arn$/, '')}.Arn>` &&
            machine.referred(...path)?.type === 'AWS::Serverless::Function';
          return machine.has(...path) && !isRight;
        }),
    ],
    'unused-substitution': [
      (variable) => `\${${variable}} does not stand in the definition`,
      (machine) => {
        const given = machine.entries('DefinitionSubstitutions').map(([variable]) => variable);
        return given.filter((variable) => !variablesOf(machine.system).includes(variable));
      },
    ],
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
  outlives('Stop', 'SettleFunction'),
  outlives('Collect', 'CollectFunction'),
];

/** What the definition leaves to the template. */
function variablesOf({ asl }: System): string[] {
  const found = [...stringsIn(asl)].flatMap((text) => [...text.matchAll(/\$\{([^}]+)\}/g)]);
  return [...new Set(found.map((match) => match[1] ?? ''))];
}

/** A state waits longer than its function may take. */
function outlives(state: string, target: string): Table {
  return one(target, {
    'function-outlives-state': [
      `the state ${state} gives up first, and a second copy starts beside the first`,
      (called) =>
        called.number('Timeout') < Number(textAt(called.system.asl, 'States', state, 'TimeoutSeconds')),
    ],
  });
}
