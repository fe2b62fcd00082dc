import type { Check } from '../template/finding.ts';
import { textAt } from '../template/json.ts';

/** CommaDelimitedList, `List<…>`, and both as values of the parameter store. */
const A_LIST = /^(CommaDelimitedList|List<.+>|AWS::SSM::Parameter::Value<(CommaDelimitedList|List<.+>)>)$/;

/** What may be given at a deployment, and the names that are taken by it. */
export const checkParameters: Check = ({ stack }, found) => {
  const taken = [...stack.outputs.keys(), ...stack.resources.keys()];
  for (const [name, parameter] of stack.parameters)
    found.expect(
      !A_LIST.test(textAt(parameter, 'Type')) || !taken.includes(name),
      'name-of-a-list',
      name,
      '`sam deploy` looks an output or a resource up among the parameters and fails on a list (aws-sam-cli#8627)',
    );
  found.expect(
    Number(textAt(stack.parameters.get('UserId'), 'MinValue')) >= 1,
    'root-on-storage',
    'UserId',
    'EFS makes root nobody unless a role has elasticfilesystem:ClientRootAccess, and none has',
  );
};
