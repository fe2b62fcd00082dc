import { beforeAll, describe, expect, it } from 'vitest';
import { runSeed } from '../../worlds/simulation/run-seed.ts';
import { judgeCalls } from './judge-calls.ts';
import { recordTo } from './record-calls.ts';
import type { RecordedCall } from './recorded-call.ts';

const SEEDS = 40;
/** Required by the model, and left out by AWS (and the SDK's own samples) while a job has not started. docs/aws-facts.md */
const EXPLAINED = /^Batch DescribeJobs: output: Missing required parameter in jobs\[\d+\]: "startedAt"$/;

const calls: RecordedCall[] = [];

beforeAll(async () => {
  const record = recordTo((call) => calls.push(call));
  for (let seed = 1; seed <= SEEDS; seed += 1) await runSeed(seed, { record });
});

describe("every call of the simulated control plane, judged by AWS's models", () => {
  it('asks what AWS takes, and our fakes answer and refuse as AWS does', async () => {
    const faults = await judgeCalls(calls);
    expect(faults.filter((fault) => !EXPLAINED.test(fault))).toEqual([]);
    const reached = new Set(calls.map(({ operation }) => operation));
    for (const operation of [
      'SubmitJob',
      'DescribeJobs',
      'ListJobs',
      'TerminateJob',
      'StartExecution',
      'DescribeExecution',
      'StopExecution',
      'SendTaskSuccess',
      'PutObject',
      'GetObject',
      'HeadObject',
      'DeleteObject',
      'ListObjectsV2',
      'PutEvents',
      'Publish',
    ])
      expect(reached, operation).toContain(operation);
  });

  it('asks as the deployed queue wants it', () => {
    const submitted = calls.filter(({ operation }) => operation === 'SubmitJob');
    for (const { input } of submitted)
      expect(input).toMatchObject({
        shareIdentifier: expect.any(String),
        schedulingPriorityOverride: 0,
        tags: expect.any(Object),
      });
  });

  it.each([
    ['a field that does not exist', { jobNme: 'x' }],
    ['a name that Batch refuses', { jobName: 'a b' }],
    ['eleven attempts', { retryStrategy: { attempts: 11 } }],
    ['a limit of five seconds', { timeout: { attemptDurationSeconds: 5 } }],
    ['a type that is none', { tags: 'x' }],
    ['a share without a priority', { schedulingPriorityOverride: undefined }],
    [
      'machine types of a range of containers',
      { nodeOverrides: { nodePropertyOverrides: [{ targetNodes: '0:', instanceTypes: ['c6i.large'] }] } },
    ],
  ])('would find %s', async (_, mistake) => {
    const good = calls.find(({ operation, error }) => operation === 'SubmitJob' && error === undefined);
    expect(good).toBeDefined();
    const call = { service: 'Batch', operation: 'SubmitJob', input: {}, ...good };
    expect(await judgeCalls([call])).toEqual([]);
    expect(await judgeCalls([{ ...call, input: { ...Object(call.input), ...mistake } }])).toHaveLength(1);
  });
});
