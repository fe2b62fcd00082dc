import { ListRulesCommand } from '@aws-sdk/client-eventbridge';
import { ListRolesCommand } from '@aws-sdk/client-iam';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { mockClient } from 'aws-sdk-client-mock';
import { expect, it } from 'vitest';
import { Bucket } from '../../../aws/bucket.ts';
import { realClock } from '../../../local/clock/real.ts';
import { Recorder } from '../../../scripts/prove/evidence.ts';
import { clientsOf } from '../../../scripts/prove/live.ts';
import { removeAll } from '../../../scripts/prove/made.ts';
import { announcement, chosenTrials } from '../../../scripts/prove/prove.ts';
import { DEPLOYMENT } from '../../experiment/manifest/planned.ts';
import { memoryS3 } from '../../support/memory-s3.ts';

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

it('counts nothing as left that AWS lists and does not have any more', async () => {
  const gone = (name: string) => Object.assign(new Error('gone'), { name });
  const config = { region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  const clients = clientsOf(config, new Recorder(realClock));
  const RoleName = 'lab-prove-1';
  const Role = { Path: '/', RoleName, RoleId: 'AROA', Arn: 'arn', CreateDate: new Date(0) };
  const queues = mockClient(clients.queues).rejects(gone('QueueDoesNotExist'));
  queues.on(ListQueuesCommand).resolves({ QueueUrls: ['https://q'] });
  const rules = mockClient(clients.events).rejects(gone('ResourceNotFoundException'));
  rules.on(ListRulesCommand).resolves({ Rules: [{ Name: RoleName }] });
  const roles = mockClient(clients.iam).rejects(gone('NoSuchEntityException'));
  roles.on(ListRolesCommand).resolves({ Roles: [Role] });
  const left = await removeAll({
    clients,
    as: () => clients,
    stack: { name: 'lab', status: 'CREATE_COMPLETE', outputs: {}, parameters: {} },
    deployment: DEPLOYMENT,
    bucket: new Bucket(memoryS3('b'), 'b', realClock),
    region: 'eu-west-1',
    account: '1',
    clock: realClock,
    nonce: () => 'nonce',
    signal: new AbortController().signal,
    pace: 1,
    say: () => undefined,
  });

  expect(left).toEqual([]);
});
