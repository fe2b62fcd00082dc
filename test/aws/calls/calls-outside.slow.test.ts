import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { aStack } from '../../cli/a-stack.ts';
import { folderOfItsOwn } from '../../cli/context.ts';
import { deployTo } from '../../scripts/deploy/account.ts';
import { judgeCalls } from './judge-calls.ts';
import type { RecordedCall } from './recorded-call.ts';
import { recordedOf } from './recorded-call.ts';

const RECORDER = fileURLToPath(new URL('record-clients.ts', import.meta.url));
const MANIFEST = {
  apiVersion: 'sierra-batch/v1',
  name: 'small',
  cluster: { nodes: 2, vcpus: 2 },
  run: {
    commands: { list: ['mkdir -p results && cat word > results/a', 'echo so it is >&2; exit 3'] },
    jobsPerNode: 2,
  },
  inputs: [{ from: './project', to: '.' }],
  outputs: ['results/'],
  notify: ['failed'],
  tags: { project: 'p' },
  timeouts: { join: '20s', run: '60s' },
};
const reached = (calls: readonly RecordedCall[]) =>
  new Set(calls.map(({ service, operation }) => `${service} ${operation}`));

it('the command line and the runner ask what AWS takes, and are answered as by AWS', {
  timeout: 180_000,
}, async () => {
  const file = join(folderOfItsOwn(), 'calls');
  const { folder, sierraBatch, bringProject } = await aStack({
    NODE_OPTIONS: `--import=${RECORDER}`,
    SIERRA_BATCH_TEST_CALLS: file,
  });
  const write = bringProject(MANIFEST);
  write('m.json', MANIFEST.run.commands.list);
  write('long.json', ['sleep 60']);

  const submitted = await sierraBatch('submit', 'm.json', '--watch');
  const [, run = ''] = /^run (\S+)$/m.exec(submitted.out) ?? [];
  expect(submitted, submitted.err).toMatchObject({ code: 1 });
  const long = (await sierraBatch('submit', 'long.json')).out.trim();
  await expect
    .poll(async () => (await sierraBatch('status', long)).out, { timeout: 30_000 })
    .toContain('running');
  for (const args of [
    ['doctor'],
    ['runs'],
    ['tasks', run, '--failed'],
    ['logs', run, '--task', '2'],
    ['logs', long, '--node', '1'],
    ['cancel', long],
    ['fetch', run, 'here'],
    ['collect', run],
    ['resume', run, '--watch'],
    ['clean', long, '--yes'],
    ['status', 'nobodys-00000000000'],
  ])
    await sierraBatch(...args);

  const calls: RecordedCall[] = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(await judgeCalls(calls)).toEqual([]);
  for (const call of [
    'S3 PutObject',
    'S3 GetObject',
    'S3 ListObjectsV2',
    'Batch DescribeJobs',
    'Batch SubmitJob',
    'Batch DescribeJobQueues',
    'Batch DescribeComputeEnvironments',
    'Batch DescribeJobDefinitions',
    'SFN StopExecution',
    'SFN DescribeExecution',
    'CloudFormation DescribeStacks',
    'CloudWatch Logs GetLogEvents',
    'STS GetCallerIdentity',
    'ECR DescribeImages',
    'SNS ListSubscriptionsByTopic',
    'Service Quotas GetServiceQuota',
  ])
    expect(reached(calls), call).toContain(call);
  // The runner's own: only it takes a run by a condition.
  expect(calls.filter(({ input }) => Object(input).Key?.endsWith('/owner.json'))).not.toEqual([]);
  expect(existsSync(join(folder, 'here/results/a'))).toBe(true);
});

it('a deployment asks what AWS takes, and its test’s account answers as AWS does', async () => {
  const calls: RecordedCall[] = [];
  const change = { ResourceType: 'AWS::Lambda::Function', LogicalResourceId: 'Settle' };
  for (const [account, args] of [
    [{}, ['Email=a@example.org']],
    [{ stack: 'UPDATE_COMPLETE', jobs: 2 }, []],
    [{ stack: 'UPDATE_COMPLETE', jobs: 2, changes: [change] }, ['--force']],
    [
      { stack: 'UPDATE_COMPLETE', jobs: 2, changes: [{ ...change, ResourceType: 'AWS::EC2::Subnet' }] },
      ['--force'],
    ],
    [{ missingRole: 'AWSServiceRoleForBatch' }, []],
    [{ signedOut: true }, []],
  ] as const) {
    const { clients } = await deployTo(account, args);
    for (const client of Object.values(clients)) calls.push(...(await recordedOf(client)));
  }
  expect(await judgeCalls(calls)).toEqual([]);
  for (const call of [
    'STS GetCallerIdentity',
    'Service Quotas GetServiceQuota',
    'EC2 DescribeInstanceTypeOfferings',
    'EC2 DescribeVpcs',
    'IAM GetRole',
    'IAM CreateServiceLinkedRole',
    'Batch ListJobs',
    'Batch DescribeComputeEnvironments',
    'Batch DescribeJobDefinitions',
    'ECR DescribeImages',
    'ECR GetAuthorizationToken',
    'CloudFormation DescribeStacks',
    'CloudFormation ListChangeSets',
    'CloudFormation DescribeChangeSet',
    'CloudFormation ExecuteChangeSet',
    'CloudFormation DeleteChangeSet',
  ])
    expect(reached(calls), call).toContain(call);
});
