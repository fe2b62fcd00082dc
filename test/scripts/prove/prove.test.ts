import { expect, it } from 'vitest';
import { announcement, chosenTrials } from '../../../scripts/prove/prove.ts';
import { DEPLOYMENT } from '../../experiment/manifest/planned.ts';

const stateMachineArn = 'arn:aws:states:eu-west-1:1:stateMachine:x';

it('shows what the machines cost that it asks for, which are not those that NodePrice is of', () => {
  const deployment = {
    ...DEPLOYMENT,
    stateMachineArn,
    instanceTypes: ['c7i.4xlarge', 'c7i.8xlarge'],
    nodePrice: 0.1,
  };
  const stack = { name: 'lab', status: 'CREATE_COMPLETE', outputs: {}, parameters: {} };
  const said = announcement({ stack, deployment, region: 'eu-west-1' }, chosenTrials('host')).join('\n');
  // Two nodes for nine minutes, at 1.53 USD an hour.
  expect(said).toMatch(
    /at most 0\.3 hours of c7i\.8xlarge \(≈ 0\.4\d USD, on-demand list price of c7i\.8xlarge, eu-west-1\)/,
  );
  expect(said).toContain('It asks: host-lost.');
});

it('asks all or those that are named, and names what there is', () => {
  expect(chosenTrials(undefined)).toHaveLength(7);
  expect(chosenTrials('gpu,calm').map(({ name }) => name)).toEqual(['calm', 'gpu']);
  expect(() => chosenTrials('hosts')).toThrow('--only hosts: there are researcher, operator, calm');
});
