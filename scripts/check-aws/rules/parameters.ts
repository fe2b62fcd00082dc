import type { Table } from '../template/finding.ts';
import { table } from '../template/finding.ts';
import { textAt } from '../template/json.ts';

/** CommaDelimitedList, `List<…>`, and both as values of the parameter store. */
const A_LIST = /^(CommaDelimitedList|List<.+>|AWS::SSM::Parameter::Value<(CommaDelimitedList|List<.+>)>)$/;

/** What may be given at a deployment, and the names that are taken by it. */
export const PARAMETERS: readonly Table[] = [
  table(({ stack }) => [...stack.parameters].map(([name, parameter]) => ({ name, parameter, stack })), {
    'name-of-a-list': [
      '`sam deploy` looks an output or a resource up among the parameters and fails on a list (aws-sam-cli#8627)',
      ({ name, parameter, stack }) =>
        !A_LIST.test(textAt(parameter, 'Type')) || !(stack.outputs.has(name) || stack.resources.has(name)),
    ],
  }),
  table(({ stack }) => [{ name: 'UserId', parameter: stack.parameters.get('UserId') }], {
    'root-on-storage': [
      'EFS makes root nobody unless a role has elasticfilesystem:ClientRootAccess, and none has',
      ({ parameter }) => Number(textAt(parameter, 'MinValue')) >= 1,
    ],
  }),
];
