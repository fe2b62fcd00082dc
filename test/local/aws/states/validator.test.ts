import { readFileSync } from 'node:fs';
import aslValidator from 'asl-validator';
import { expect, it } from 'vitest';
import { loadDefinition } from '../../../../local/aws/states/language/definition.ts';

const file = readFileSync(new URL('../../../../statemachine/experiment.asl.json', import.meta.url), 'utf8');
/** Names as CloudFormation puts them in. */
const FUNCTIONS = {
  SubmitFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:submit',
  SettleFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:settle',
  CollectFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:collect',
};

it("the state machine's own file is taken by the validator and, to its last field, by the interpreter", () => {
  // The validator writes into what it is given.
  const { isValid, errorsText } = aslValidator(JSON.parse(file));
  expect(errorsText()).toBe('');
  expect(isValid).toBe(true);
  expect(loadDefinition(file, FUNCTIONS).StartAt).toBe('Run');
});
