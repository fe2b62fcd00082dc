import { DeleteChangeSetCommand, ExecuteChangeSetCommand } from '@aws-sdk/client-cloudformation';
import { CreateServiceLinkedRoleCommand } from '@aws-sdk/client-iam';
import { describe, expect, test } from 'vitest';
import { readDeployOptions } from '../../../scripts/deploy/arguments.ts';
import { feltByJobs, samParameter } from '../../../scripts/deploy/changes.ts';
import { priceAnswered } from '../../../scripts/deploy/live.ts';
import type { Account } from './account.ts';
import { CHANGE_SETS, deployTo } from './account.ts';

const TAG = '0.1.0-x86_64-abc';
const LOGIN = 'docker <login> <--username> <AWS> <--password-stdin> <1.dkr.ecr.eu-west-1.amazonaws.com>';
const PUSH = 'push 1.dkr.ecr.eu-west-1.amazonaws.com/nodes';
const SAM =
  'sam <deploy> <--template-file> <template.yaml> <--stack-name> <sierra-batch> <--region> <eu-west-1> <--no-confirm-changeset> <--no-fail-on-empty-changeset>';

describe('a deployment', () => {
  test('of a new stack makes the repository before it pushes', async () => {
    const { exitCode, calls, said, complained } = await deployTo({}, ['Email=a@example.org']);

    expect({ exitCode, complained }).toEqual({ exitCode: 0, complained: '' });
    expect(calls).toEqual([
      'bundle',
      `${SAM} <--parameter-overrides> <Email=a@example.org> <Zone=eu-west-1a> <ImageTag=${TAG}>`,
      LOGIN,
      PUSH,
    ]);
    expect(said.at(-1)).toContain('s3://lab/manifests/');
  });

  test('of a stack that is there pushes first, so that no job meets a definition without its image', async () => {
    const { exitCode, calls } = await deployTo({ stack: 'UPDATE_COMPLETE' });

    expect(exitCode).toBe(0);
    expect(calls).toEqual(['bundle', LOGIN, PUSH, `${SAM} <--parameter-overrides> <ImageTag=${TAG}>`]);
  });

  test('builds no image that the repository has', async () => {
    const { exitCode, calls } = await deployTo({ stack: 'UPDATE_COMPLETE', images: [TAG] });

    expect(exitCode).toBe(0);
    expect(calls).toEqual(['bundle', `${SAM} <--parameter-overrides> <ImageTag=${TAG}>`]);
  });

  test.each<[string, Account, string[], string]>([
    ['a type with GPUs', {}, ['InstanceTypes=c6i.4xlarge,g5.xlarge'], ' <Gpus=true>'],
    [
      'none of them any more',
      { parameters: { Gpus: 'true' } },
      ['InstanceTypes=c6i.4xlarge'],
      ' <Gpus=false>',
    ],
    ['what it had', { parameters: { Gpus: 'true', InstanceTypes: 'g5.xlarge' } }, ['MaxvCpus=64'], ''],
  ])('chooses the image of nodes by their types: %s', async (_, account, args, given) => {
    const { calls } = await deployTo({ stack: 'UPDATE_COMPLETE', images: [TAG], ...account }, args);

    expect(calls.at(-1)).toBe(`${SAM} <--parameter-overrides> <${args[0]}>${given} <ImageTag=${TAG}>`);
  });

  test('reads a list of types as CloudFormation does, without its blanks', async () => {
    const { calls } = await deployTo({}, ['InstanceTypes=c6i.4xlarge, g5.xlarge']);

    expect(calls.join()).toContain('<Gpus=true>');
  });

  test.each<[string, Account, string[], string]>([
    ['asked for', {}, ['--sierra'], `<Sierra=true> <ImageTag=${TAG}-sierra>`],
    ['in the stack already', { parameters: { Sierra: 'true' } }, [], `<ImageTag=${TAG}-sierra>`],
    [
      'not wanted any more',
      { parameters: { Sierra: 'true' } },
      ['Sierra=false'],
      `<Sierra=false> <ImageTag=${TAG}>`,
    ],
  ])('builds the image with SIERRA or without: %s', async (_, account, args, given) => {
    const { exitCode, calls } = await deployTo({ stack: 'UPDATE_COMPLETE', ...account }, args);

    expect(exitCode).toBe(0);
    expect(calls).toEqual(['bundle', LOGIN, PUSH, `${SAM} <--parameter-overrides> ${given}`]);
  });

  test('makes the service-linked roles that are missing', async () => {
    const { exitCode, iam } = await deployTo({ missingRole: 'AWSServiceRoleForBatch' });

    expect(exitCode).toBe(0);
    const [made] = iam.commandCalls(CreateServiceLinkedRoleCommand);
    expect(made?.args[0].input).toEqual({ AWSServiceName: 'batch.amazonaws.com' });
  });

  test('that leaves an environment which is not valid says so', async () => {
    const { exitCode, complained } = await deployTo({ environment: 'INVALID' });

    expect(exitCode).toBe(1);
    expect(complained).toContain('the compute environment is INVALID: CLIENT_ERROR');
  });
});

describe('before anything is changed', () => {
  test.each<[string, Account, RegExp]>([
    ['nobody is logged in', { signedOut: true }, /does not know who you are.*aws sso login/],
    ['there is no sam', { noSam: true }, /pipx install aws-sam-cli/],
    ['sam is too old', { samVersion: '1.100.0' }, /version 1\.100\.0.*from 1\.120 on/],
    ['the stack never worked', { stack: 'ROLLBACK_COMPLETE' }, /Delete it/],
    ['somebody is changing the stack', { stack: 'UPDATE_IN_PROGRESS' }, /someone is changing it/],
  ])('%s: exit 2, with what to do', async (_, account, what) => {
    const { exitCode, complained, calls } = await deployTo(account);

    expect(exitCode).toBe(2);
    expect(complained).toMatch(what);
    expect(calls).toEqual([]);
  });

  test.each([
    ['nodes of another architecture than their image', ['InstanceTypes=c7g.4xlarge'], /c7g\.4xlarge.*=arm64/],
    [
      'an image of another architecture than its nodes',
      ['NodeArchitecture=arm64', 'InstanceTypes=c6gn.4xlarge,g4dn.xlarge'],
      /InstanceTypes has g4dn\.xlarge.*=x86_64/,
    ],
    ['both in one environment', ['InstanceTypes=c6i.4xlarge,x2gd.4xlarge'], /has x2gd\.4xlarge/],
    ['nodes of any size', ['InstanceTypes=c6i'], /c6i is no size/],
    ['a network without subnets', ['VpcId=vpc-1'], /VpcId without SubnetIds/],
    ['subnets without their network', ['SubnetIds=subnet-1'], /SubnetIds without VpcId/],
    ['queues that nobody may use', ['Queues="gpu":{"arn":"a","maxvCpus":4}'], /Queues without QueueArns/],
    [
      'storage in one zone of two',
      ['VpcId=vpc-1', 'SubnetIds=subnet-1,subnet-2'],
      /several SubnetIds.*FileSystemId/,
    ],
  ])('parameters that do not go together, %s: exit 2', async (_, args, what) => {
    const { exitCode, complained, calls } = await deployTo({}, args);

    expect(exitCode).toBe(2);
    expect(complained).toMatch(what);
    expect(calls).toEqual([]);
  });

  test('what is to be done says where', async () => {
    const stack = 'ROLLBACK_COMPLETE';
    const { complained } = await deployTo({ stack }, ['--region', 'eu-west-1', '--profile', 'lab']);

    expect(complained).toContain('sam delete --stack-name sierra-batch --region eu-west-1 --profile lab)');
  });

  test.each(['ENOTFOUND', 'ECONNREFUSED', 'ETIMEDOUT', 'ENETUNREACH'])(
    'AWS cannot be reached (%s): exit 2, and nobody is told to log in',
    async (unreachable) => {
      const { exitCode, complained, calls } = await deployTo({ unreachable });

      expect(exitCode).toBe(2);
      expect(complained).toMatch(/^AWS cannot be reached/);
      expect(complained).not.toContain('Log in');
      expect(calls).toEqual([]);
    },
  );

  test.each<[string, Account]>([
    ['nobody is logged in', { signedOut: true }],
    ['AWS cannot be reached', { unreachable: 'ENOTFOUND' }],
  ])('%s: what needs no login is told as well', async (_, account) => {
    const { exitCode, complained } = await deployTo({ ...account, noSam: true }, [
      '--check',
      'NodeArchitecture=arm64',
      'InstanceTypes=c7g.2xlarge',
    ]);

    expect(exitCode).toBe(2);
    expect(complained).toMatch(/pipx install aws-sam-cli/);
    expect(complained).toMatch(/a c7g\.2xlarge 8:/);
    expect(complained).toMatch(/needs QEMU/);
  });

  test.each<[string, Account, string[], string]>([
    [
      'the first that has the type',
      { offers: { 'c6i.4xlarge': ['eu-west-1c', 'eu-west-1b'] } },
      [],
      '<Zone=eu-west-1b> ',
    ],
    [
      'one that has all types',
      { offers: { 'm7a.xlarge': ['eu-west-1a', 'eu-west-1c'], 'i4i.xlarge': ['eu-west-1b', 'eu-west-1c'] } },
      ['InstanceTypes=m7a.xlarge,i4i.xlarge', 'DefaultVcpus=4'],
      '<Zone=eu-west-1c> ',
    ],
    [
      'no zone of a city',
      { offers: { 'c6i.4xlarge': ['eu-west-1-dub-1a', 'eu-west-1c'] } },
      [],
      '<Zone=eu-west-1c> ',
    ],
    ['the one that is given', {}, ['Zone=eu-west-1b'], '<Zone=eu-west-1b> '],
    ['none where nobody knows', { refusesEc2: true }, [], ''],
    ['none for a network of others', {}, ['VpcId=vpc-1', 'SubnetIds=subnet-1'], ''],
    ['none for a stack that stands', { stack: 'UPDATE_COMPLETE' }, [], ''],
  ])('the zone of a network of its own: %s', async (_, account, args, zone) => {
    const { exitCode, calls } = await deployTo(account, args);

    expect(exitCode).toBe(0);
    const [, given = ''] = /<--parameter-overrides> (.*)<ImageTag=/.exec(calls.join('\n')) ?? [];
    expect(given.replaceAll(/<(InstanceTypes|DefaultVcpus|VpcId|SubnetIds)=[^>]*> /g, '')).toBe(zone);
  });

  test.each<[string, Account, string[], RegExp]>([
    [
      'no zone has the type',
      { offers: { 'c6i.4xlarge': [] } },
      [],
      /No zone of this region has c6i\.4xlarge/,
    ],
    [
      'the zone has not the type',
      { offers: { 'c6i.4xlarge': ['eu-west-1b', 'eu-west-1c'] } },
      ['Zone=eu-west-1a'],
      /eu-west-1a has no c6i\.4xlarge.*eu-west-1b, eu-west-1c/,
    ],
    [
      'the zone of the stack has not the new type',
      {
        stack: 'UPDATE_COMPLETE',
        parameters: { Zone: 'eu-west-1a' },
        offers: { 'm7a.4xlarge': ['eu-west-1b'] },
      },
      ['InstanceTypes=m7a.4xlarge'],
      /eu-west-1a has no m7a\.4xlarge/,
    ],
    ['there are as many VPCs as there may be', { vpcs: 5 }, [], /has 5 VPCs and may have 5.*VpcId=/],
  ])('%s: exit 2, also by --check', async (_, account, args, what) => {
    const { exitCode, complained, calls } = await deployTo(account, [...args, '--check']);

    expect(exitCode).toBe(2);
    expect(complained).toMatch(what);
    expect(calls).toEqual([]);
  });

  test('VPCs do not matter where none is made', async () => {
    expect((await deployTo({ vpcs: 5 }, ['VpcId=vpc-1', 'SubnetIds=subnet-1', '--check'])).exitCode).toBe(0);
    expect((await deployTo({ vpcs: 5, stack: 'UPDATE_COMPLETE' }, ['--check'])).exitCode).toBe(0);
  });

  test('types that the zone has not, and zones that may not be asked for, are told', async () => {
    const offers = { 'i4i.4xlarge': ['eu-west-1c'], 'm7a.4xlarge': ['eu-west-1a'] };
    const { complained } = await deployTo({ offers }, ['--check', 'InstanceTypes=m7a.4xlarge,i4i.4xlarge']);
    expect(complained).toMatch(/eu-west-1a has no i4i\.4xlarge/);
    expect((await deployTo({ refusesEc2: true }, ['--check'])).complained).toMatch(
      /not known to you.*Zone=NAME/,
    );
  });

  test('jobs run: refused, and they are named', async () => {
    const { exitCode, complained, calls } = await deployTo({ stack: 'UPDATE_COMPLETE', jobs: 7 });

    expect(exitCode).toBe(1);
    expect(complained).toMatch(/7 jobs have not ended: sweep-0 \(RUNNING\).*and 2 more.*--force/);
    expect(calls).toEqual([]);
  });

  test('quotas that are too small are told, and do not stop it', async () => {
    const { exitCode, complained, calls } = await deployTo({ vcpuQuota: 5, lambdaQuota: 10 }, ['--check']);

    expect(exitCode).toBe(0);
    expect(complained).toMatch(/may have 5 vCPUs and a node needs 16[\s\S]*may run 10 functions at once/);
    expect(calls).toEqual([]);
    const { complained: less } = await deployTo({ vcpuQuota: 64 }, ['--check']);
    expect(less).toContain('deploy with MaxvCpus=64');
  });

  test.each([
    ['InstanceTypes=g5.4xlarge', 'may have 0 vCPUs of G and VT machines', 'L-DB2E81BA'],
    ['InstanceTypes=c6i.4xlarge,p4d.24xlarge', 'may have 0 vCPUs of P machines', 'L-417A185B'],
  ])('the quota of the kind of machines is asked: %s', async (types, told, code) => {
    const { complained } = await deployTo({}, ['--check', types]);

    expect(complained).toContain(told);
    expect(complained).toContain(code);
    expect((await deployTo({}, ['--check'])).complained).not.toContain(code);
  });

  test('nodes that do not fit their instance are told', async () => {
    const warned = async (...args: string[]) => (await deployTo({}, ['--check', ...args])).complained;

    expect(await warned('InstanceTypes=c6i.2xlarge,c6i.8xlarge')).toMatch(
      /a c6i\.2xlarge 8:.*DefaultVcpus=8/,
    );
    expect(await warned('DefaultVcpus=17')).toContain('a c6i.4xlarge 16');
    expect(await warned('InstanceTypes=c6i.8xlarge')).toBe('');
  });

  test('nodes of another architecture: QEMU is named', async () => {
    const { complained } = await deployTo({}, ['--check', 'NodeArchitecture=arm64']);
    expect(complained).toContain('needs QEMU');
  });
});

describe('forced while jobs run', () => {
  const CODE = {
    Action: 'Modify',
    LogicalResourceId: 'SettleFunction',
    ResourceType: 'AWS::Lambda::Function',
  } as const;
  const DEFINITION = {
    Action: 'Modify',
    LogicalResourceId: 'JobDefinition',
    ResourceType: 'AWS::Batch::JobDefinition',
    Replacement: 'True',
  } as const;

  test('changes what they do not run on', async () => {
    const { exitCode, calls, cloudFormation } = await deployTo(
      { stack: 'UPDATE_COMPLETE', jobs: 1, changes: [CODE, DEFINITION], images: [TAG] },
      ['--force'],
    );

    expect(exitCode).toBe(0);
    expect(calls.at(-1)).toContain('<--no-execute-changeset>');
    const [executed, ...more] = cloudFormation.commandCalls(ExecuteChangeSetCommand);
    expect(executed?.args[0].input).toMatchObject({ ChangeSetName: CHANGE_SETS.new });
    expect(more).toEqual([]);
  });

  test('executes nothing that somebody else left there', async () => {
    const { exitCode, said, cloudFormation } = await deployTo(
      { stack: 'UPDATE_COMPLETE', jobs: 1, images: [TAG] },
      ['--force'],
    );

    expect(exitCode).toBe(0);
    expect(said).toContain('nothing in the stack changes');
    expect(cloudFormation.commandCalls(ExecuteChangeSetCommand)).toEqual([]);
  });

  test('leaves the compute environment alone: nothing is changed at all', async () => {
    const environment = {
      Action: 'Modify',
      LogicalResourceId: 'ComputeEnvironment',
      ResourceType: 'AWS::Batch::ComputeEnvironment',
      Replacement: 'False',
    } as const;
    const { exitCode, complained, cloudFormation } = await deployTo(
      { stack: 'UPDATE_COMPLETE', jobs: 1, changes: [CODE, environment] },
      ['--force'],
    );

    expect(exitCode).toBe(1);
    expect(complained).toContain('ComputeEnvironment (AWS::Batch::ComputeEnvironment, Modify)');
    expect(cloudFormation.commandCalls(ExecuteChangeSetCommand)).toEqual([]);
    expect(cloudFormation.commandCalls(DeleteChangeSetCommand)).toHaveLength(1);
  });

  test('replacing what they use counts, adding a resource does not', () => {
    expect(
      feltByJobs([
        {
          Action: 'Modify',
          ResourceType: 'AWS::Batch::JobQueue',
          LogicalResourceId: 'Q',
          Replacement: 'Conditional',
        },
        { Action: 'Modify', ResourceType: 'AWS::IAM::Role', LogicalResourceId: 'R', Replacement: 'False' },
        { Action: 'Remove', ResourceType: 'AWS::IAM::Role', LogicalResourceId: 'Gone' },
        { Action: 'Add', ResourceType: 'AWS::EC2::Subnet', LogicalResourceId: 'New' },
        {
          Action: 'Modify',
          ResourceType: 'AWS::EC2::LaunchTemplate',
          LogicalResourceId: 'L',
          Replacement: 'False',
        },
      ]).map((text) => text.split(' ')[0]),
    ).toEqual(['Q', 'Gone', 'L']);
  });
});

describe('its command line', () => {
  test.each([
    [['Emial=a'], /not PARAMETER=VALUE/],
    [['ImageTag=a'], /made from what is in the image/],
    [['Gpus=true'], /follows from InstanceTypes/],
    [['--sierra', 'Sierra=false'], /--sierra is Sierra=true/],
    [['--stack', '../x'], /--stack is/],
    [['--stack', 'a'.repeat(52)], /up to 51/],
    [['--frce'], /--frce/],
  ])('%j is refused', (args, why) => {
    expect(readDeployOptions(args, ['Email', 'ImageTag', 'Gpus', 'Sierra'])).toMatchObject({
      kind: 'refused',
      why: expect.stringMatching(why),
    });
  });

  test('values with blanks and quotes are written as sam reads them', () => {
    expect(samParameter(['Queues', '"gpu":{"maxvCpus":64}'])).toBe(
      String.raw`Queues="\"gpu\":{\"maxvCpus\":64}"`,
    );
    expect(samParameter(['SubnetIds', 'a,b'])).toBe('SubnetIds=a,b');
    expect(samParameter(['Email', ''])).toBe('Email=""');
  });
});

describe('the price of a node', () => {
  test('is what AWS’s list says, unless it is given', async () => {
    expect((await deployTo({ nodePrice: 0.7296 })).calls.join()).toContain('<NodePrice=0.7296>');
    const given = (await deployTo({ nodePrice: 0.7296 }, ['NodePrice=0.5'])).calls.join();
    expect([given.includes('<NodePrice=0.5>'), given.includes('0.7296')]).toEqual([true, false]);
    expect((await deployTo({})).calls.join()).not.toContain('NodePrice');
  });

  test('is read from an answer of one price alone', () => {
    const offer = (USD: string) =>
      JSON.stringify({
        terms: { OnDemand: { a: { priceDimensions: { b: { unit: 'Hrs', pricePerUnit: { USD } } } } } },
      });
    const answer = (...all: string[]) => JSON.stringify({ PriceList: all.map(offer) });
    expect(priceAnswered(answer('0.7296000000'))).toBe(0.7296);
    expect([answer('0.7', '0.8'), answer('0.0'), answer(), 'none', '{}'].map(priceAnswered)).toEqual(
      Array(5).fill(undefined),
    );
  });
});
