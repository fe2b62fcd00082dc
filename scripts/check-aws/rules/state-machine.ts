import type { Check } from '../template/finding.ts';
import { named, referred } from '../template/finding.ts';
import { entriesAt, listAt, stringsIn, textAt } from '../template/json.ts';

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
