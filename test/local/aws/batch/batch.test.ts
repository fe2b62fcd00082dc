import type { JobDetail, SubmitJobCommandInput } from '@aws-sdk/client-batch';
import { describe, expect, it } from 'vitest';
import type { LocalBatchSettings } from '../../../../local/aws/batch/batch.ts';
import { DESCRIBED } from '../../../fixtures/recorded-answers.ts';
import { FAIR_QUEUE, virtualBatch } from '../../../support/virtual-batch.ts';

const RETRY = {
  attempts: 3,
  evaluateOnExit: [
    { onExitCode: '3', action: 'RETRY' },
    { onStatusReason: 'Host EC2*', action: 'RETRY' },
    { onReason: '*', action: 'EXIT' },
  ],
} satisfies SubmitJobCommandInput['retryStrategy'];

const CONTAINER = {
  image: 'i',
  resourceRequirements: [
    { type: 'VCPU' as const, value: '4' },
    { type: 'MEMORY' as const, value: '1024' },
  ],
};

async function world(options: { ignoreTerm?: boolean } & Partial<LocalBatchSettings> = {}) {
  const events: JobDetail[] = [];
  const { clock, batch, ...fake } = virtualBatch(
    { onStateChange: (detail) => events.push(detail), ...options },
    0,
  );
  await batch.registerJobDefinition({
    jobDefinitionName: 'd',
    type: 'multinode',
    nodeProperties: {
      numNodes: 2,
      mainNode: 0,
      nodeRangeProperties: [
        {
          targetNodes: '0:',
          container: CONTAINER,
        },
      ],
    },
  });
  const submit = async (more: Partial<SubmitJobCommandInput> = {}) => {
    const { jobId = '' } = await batch.submitJob({
      jobName: 'n',
      jobQueue: 'q',
      jobDefinition: 'd:1',
      nodeOverrides: { numNodes: 3 },
      ...more,
    });
    return jobId;
  };
  const describeJob = async (id: string) => (await batch.describeJobs({ jobs: [id] })).jobs?.[0];
  const pass = (seconds: number) => clock.advance(seconds * 1000);
  return { clock, batch, submit, describeJob, pass, events, ...fake };
}

describe('a multi-node job', () => {
  it('starts main first, tells the children its address, and ends with its exit code', async () => {
    const { submit, pass, nodes, describeJob, events } = await world({
      delays: { pending: 1, starting: 1, child: (index) => 10 * index },
    });
    const id = await submit();
    await pass(0.005);
    expect(nodes.map((node) => node.spec.index)).toEqual([0]);
    await pass(1);
    expect(nodes.map((node) => node.spec.index)).toEqual([0, 1, 2]);
    const [main, child] = nodes;
    expect(main?.spec.environment).toMatchObject({
      AWS_BATCH_JOB_ID: `${id}#0`,
      AWS_BATCH_JOB_ATTEMPT: '1',
      AWS_BATCH_JOB_NUM_NODES: '3',
    });
    expect(main?.spec.environment).not.toHaveProperty('AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS');
    expect(child?.spec.environment).toMatchObject({
      AWS_BATCH_JOB_ID: `${id}#1`,
      AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: '10.0.1.10',
    });
    main?.exit({ exitCode: 0 });
    await pass(1);
    expect(await describeJob(id)).toMatchObject({
      status: 'SUCCEEDED',
      attempts: [{ container: { exitCode: 0 } }],
    });
    expect(await describeJob(id)).not.toHaveProperty('container');
    expect(nodes.slice(1).map((node) => node.signals)).toEqual([['TERM'], ['TERM']]);
    expect(events.map((event) => event.status)).toEqual([
      'PENDING',
      'RUNNABLE',
      'STARTING',
      'RUNNING',
      'SUCCEEDED',
    ]);
  });

  it('of two nodes goes as AWS Batch recorded it: a worker 42 s behind main, which ends before it and changes nothing', async () => {
    const [parent] = DESCRIBED.single_mnp_job?.jobs ?? [];
    const [worker, main] = DESCRIBED.single_mnp_job_children?.jobs ?? [];
    const mainAt = main?.startedAt ?? 0;
    const sinceMain = (moment: number | undefined) => (moment ?? 0) - mainAt;
    const { clock, submit, nodes, batch, describeJob, events } = await world({
      delays: {
        pending: 0,
        starting: sinceMain(mainAt) - sinceMain(parent?.createdAt),
        child: () => sinceMain(worker?.startedAt),
      },
    });
    const id = await submit({ nodeOverrides: { numNodes: 2 } });
    await clock.advance(-sinceMain(parent?.createdAt) + sinceMain(worker?.stoppedAt));
    nodes[1]?.exit({ exitCode: 0 });
    await clock.advance(sinceMain(main?.stoppedAt) - sinceMain(worker?.stoppedAt));
    expect(await describeJob(`${id}#1`)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await describeJob(id)).toMatchObject({ status: 'RUNNING' });
    nodes[0]?.exit({ exitCode: 0 });
    await clock.advance(0);
    const { jobs: children = [] } = await batch.describeJobs({ jobs: [`${id}#1`, `${id}#0`] });
    const told = (job: JobDetail | undefined, from: number | undefined) => ({
      ...job,
      startedAt: (job?.startedAt ?? 0) - (from ?? 0),
      stoppedAt: (job?.stoppedAt ?? 0) - (from ?? 0),
      exitCodes: job?.attempts?.map(({ container }) => container?.exitCode),
    });
    for (const [index, recorded] of [worker, main].entries()) {
      const { status, statusReason, nodeDetails, startedAt, stoppedAt, exitCodes } = told(recorded, mainAt);
      const local = told(children[index], (await describeJob(id))?.startedAt);
      expect(local).toMatchObject({ status, statusReason, nodeDetails, startedAt, stoppedAt, exitCodes });
    }
    const { status, statusReason, startedAt, stoppedAt, exitCodes } = told(parent, mainAt);
    const local = await describeJob(id);
    expect(told(local, local?.startedAt)).toMatchObject({
      status,
      statusReason,
      startedAt,
      stoppedAt,
      exitCodes,
    });
    expect(events.map((event) => event.status)).toEqual([
      'PENDING',
      'RUNNABLE',
      'STARTING',
      'RUNNING',
      'SUCCEEDED',
    ]);
  });

  it('does not care about a child that dies', async () => {
    const { submit, pass, nodes, describeJob } = await world();
    const id = await submit();
    await pass(1);
    nodes[2]?.exit({ exitCode: 1 });
    await pass(60);
    expect((await describeJob(id))?.status).toBe('RUNNING');
    expect(await describeJob(`${id}#2`)).toMatchObject({
      status: 'FAILED',
      container: { exitCode: 1 },
      nodeDetails: { nodeIndex: 2, isMainNode: false },
    });
  });

  it('kills children that ignore SIGTERM after 30 s', async () => {
    const { submit, pass, nodes, describeJob } = await world({ ignoreTerm: true });
    const id = await submit();
    await pass(1);
    nodes[0]?.exit({ exitCode: 0 });
    await pass(29);
    expect((await describeJob(id))?.status).toBe('RUNNING');
    await pass(2);
    expect((await describeJob(id))?.status).toBe('SUCCEEDED');
    expect(nodes[1]?.signals).toEqual(['TERM', 'KILL']);
  });

  it.each([
    ['an exit code with a RETRY rule', { exitCode: 3 }, 'RUNNING'],
    ['any other exit code', { exitCode: 1 }, 'FAILED'],
    ['a lost host', { statusReason: 'Host EC2 (instance i-0abc) terminated.' }, 'RUNNING'],
  ])('judges %s by the first rule that holds', async (_what, exit, status) => {
    const { submit, pass, nodes, describeJob } = await world();
    const id = await submit({ retryStrategy: RETRY });
    await pass(1);
    nodes[0]?.exit(exit);
    await pass(1);
    expect((await describeJob(id))?.status).toBe(status);
    expect((await describeJob(id))?.attempts?.length).toBe(1);
    if (status === 'RUNNING') expect(nodes.at(-1)?.spec.attempt).toBe(2);
  });

  it('retries when no rule holds, and stops when the attempts are used up', async () => {
    const { submit, pass, nodes, describeJob } = await world();
    const id = await submit({
      nodeOverrides: { numNodes: 1 },
      retryStrategy: { attempts: 2, evaluateOnExit: [{ onExitCode: '0', action: 'EXIT' }] },
    });
    for (const attempt of [0, 1]) {
      await pass(1);
      nodes[attempt]?.exit({ exitCode: 9 });
    }
    await pass(1);
    expect(await describeJob(id)).toMatchObject({ status: 'FAILED', attempts: [{}, {}] });
  });

  it('ends an attempt at its time limit and does not retry it', async () => {
    const { submit, pass, nodes, describeJob } = await world();
    const id = await submit({ timeout: { attemptDurationSeconds: 60 }, retryStrategy: { attempts: 3 } });
    await pass(61);
    expect(nodes[0]?.signals).toEqual(['TERM']);
    expect(await describeJob(id)).toMatchObject({
      status: 'FAILED',
      statusReason: 'Job attempt duration exceeded timeout',
    });
  });

  it.each(['RUNNABLE', 'STARTING', 'RUNNING'] as const)(
    'can be terminated while %s, and is not retried',
    async (status) => {
      const { batch, submit, pass, describeJob, nodes } = await world({
        ...(status === 'RUNNABLE'
          ? {
              capacityHook: () => ({
                reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
                until: new Promise<void>(() => undefined),
              }),
            }
          : {}),
        ...(status === 'STARTING' ? { delays: { pending: 0, starting: 100_000, child: () => 0 } } : {}),
      });
      const id = await submit({ retryStrategy: { attempts: 3 } });
      await pass(1);
      expect((await describeJob(id))?.status).toBe(status);
      if (status === 'RUNNABLE') expect((await describeJob(id))?.statusReason).toMatch(/^CAPACITY:/);
      await batch.terminateJob({ jobId: id, reason: 'cancelled by its owner' });
      await pass(1);
      expect(await describeJob(id)).toMatchObject({
        status: 'FAILED',
        statusReason: 'cancelled by its owner',
      });
      expect(batch.liveJobs()).toEqual([]);
      expect(nodes.length).toBe(status === 'RUNNING' ? 3 : 0);
    },
  );

  it('waits for vCPUs in order, and never runs when its queue has too few', async () => {
    const { submit, pass, nodes, describeJob, batch } = await world();
    const vcpus = (value: string) => [
      { targetNodes: '0:', containerOverrides: { resourceRequirements: [{ type: 'VCPU' as const, value }] } },
    ];
    const first = await submit({ nodeOverrides: { numNodes: 2, nodePropertyOverrides: vcpus('20') } });
    const second = await submit({ nodeOverrides: { numNodes: 2, nodePropertyOverrides: vcpus('20') } });
    const never = await submit({ nodeOverrides: { numNodes: 2, nodePropertyOverrides: vcpus('40') } });
    await pass(1);
    const status = async (id: string) => (await describeJob(id))?.status;
    expect([await status(first), await status(second), await status(never)]).toEqual([
      'RUNNING',
      'RUNNABLE',
      'RUNNABLE',
    ]);
    nodes[0]?.exit({ exitCode: 0 });
    await pass(1);
    expect([await status(second), await status(never)]).toEqual(['RUNNING', 'RUNNABLE']);
    expect((await describeJob(never))?.statusReason).toMatch(/COMPUTE_ENVIRONMENT_MAX_RESOURCE/);
    const closing = batch.close();
    await pass(1);
    await closing;
  });
});

describe('what Batch refuses', () => {
  it.each<[string, Partial<SubmitJobCommandInput>, RegExp]>([
    ['a bad name', { jobName: 'a b' }, /jobName/],
    ['an unknown definition', { jobDefinition: 'nope:1' }, /does not exist/],
    ['an unknown queue', { jobQueue: 'nope' }, /does not exist/],
    [
      'other override targets',
      { nodeOverrides: { nodePropertyOverrides: [{ targetNodes: '0:1' }] } },
      /should match job definition/,
    ],
    [
      'machine types of a range of containers',
      { nodeOverrides: { nodePropertyOverrides: [{ targetNodes: '0:', instanceTypes: ['c6i.large'] }] } },
      /^Using instanceTypes with nodeRangeProperty is only allowed for ecsProperties jobs\.$/,
    ],
    ['a fair-share queue without a share', { jobQueue: 'fair' }, /^shareIdentifier must be specified\.$/],
    [
      'a share without a priority',
      { jobQueue: 'fair', shareIdentifier: 'a' },
      /^Either schedulingPriority in job definition or schedulingPriorityOverride should be specified$/,
    ],
    [
      'a share of other signs',
      { jobQueue: 'fair', shareIdentifier: 'a-b', schedulingPriorityOverride: 0 },
      /alphanumeric/,
    ],
    [
      'a priority over 9,999',
      { jobQueue: 'fair', shareIdentifier: 'a', schedulingPriorityOverride: 10_000 },
      /0 to 9,999/,
    ],
    ['a share in a queue of first in, first out', { shareIdentifier: 'a' }, /no scheduling policy/],
    ['a priority in one', { schedulingPriorityOverride: 0 }, /no scheduling policy/],
    ['container overrides', { containerOverrides: {} }, /nodeOverrides/],
    ['eleven attempts', { retryStrategy: { attempts: 11 } }, /1 to 10/],
    [
      'six rules',
      {
        retryStrategy: {
          evaluateOnExit: Array.from({ length: 6 }, () => ({ action: 'EXIT', onReason: '*' })),
        },
      },
      /at most 5/,
    ],
    ['a short time limit', { timeout: { attemptDurationSeconds: 59 } }, /at least 60/],
    [
      '51 tags',
      { tags: Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`t${index}`, ''])) },
      /at most 50/,
    ],
    ['a tag with brackets', { tags: { note: 'first try (again)' } }, /illegal characters/],
    ['too many nodes', { nodeOverrides: { numNodes: 1001 } }, /1 to 1,000/],
    ['a large request', { parameters: { a: 'x'.repeat(31 * 1024) } }, /30 KiB/],
    [
      'a reserved name',
      {
        nodeOverrides: {
          nodePropertyOverrides: [
            { targetNodes: '0:', containerOverrides: { environment: [{ name: 'AWS_BATCH_X', value: '1' }] } },
          ],
        },
      },
      /reserved/,
    ],
  ])('%s', async (_what, more, message) => {
    const { submit, batch } = await world();
    await expect(submit(more)).rejects.toMatchObject({
      name: 'ClientException',
      message: expect.stringMatching(message),
    });
    expect(batch.allJobs()).toEqual([]);
  });

  it.each<[string, string[], number, RegExp]>([
    ['ranges with a gap', ['0:0', '2:3'], 4, /do not cover node 1/],
    ['six ranges', ['0', '1', '2', '3', '4', '5'], 6, /1 to 5/],
    ['a range backwards', ['3:0'], 4, /Invalid targetNodes/],
  ])('a definition with %s', async (_what, ranges, numNodes, message) => {
    const { batch } = await world();
    const nodeRangeProperties = ranges.map((targetNodes) => ({ targetNodes, container: { image: 'i' } }));
    await expect(
      batch.registerJobDefinition({
        jobDefinitionName: 'x',
        type: 'multinode',
        nodeProperties: { numNodes, mainNode: 0, nodeRangeProperties },
      }),
    ).rejects.toThrow(message);
  });

  it('machine types of a range of containers in a definition', async () => {
    const { batch } = await world();
    const range = { targetNodes: '0:', instanceTypes: ['c6i.large'], container: { image: 'i' } };
    await expect(
      batch.registerJobDefinition({
        jobDefinitionName: 'x',
        type: 'multinode',
        nodeProperties: { numNodes: 1, mainNode: 0, nodeRangeProperties: [range] },
      }),
    ).rejects.toThrow('Using instanceTypes with nodeRangeProperty is only allowed for ecsProperties jobs.');
  });

  it('a definition’s priority in a queue of first in, first out, where a fair-share queue needs no other', async () => {
    const { batch, submit } = await world();
    await batch.registerJobDefinition({
      jobDefinitionName: 'first',
      type: 'multinode',
      schedulingPriority: 1,
      nodeProperties: {
        numNodes: 1,
        mainNode: 0,
        nodeRangeProperties: [{ targetNodes: '0:', container: CONTAINER }],
      },
    });
    await submit({ jobDefinition: 'first', jobQueue: 'fair', shareIdentifier: 'a' });
    await expect(submit({ jobDefinition: 'first' })).rejects.toThrow(/no scheduling policy/);
  });

  it('the 501st share until the use of another has decayed', async () => {
    const { submit, pass, nodes } = await world({ queues: [{ ...FAIR_QUEUE, maxvCpus: 10_000 }] });
    const share = (shareIdentifier: string) =>
      submit({
        jobQueue: 'fair',
        shareIdentifier,
        schedulingPriorityOverride: 0,
        nodeOverrides: { numNodes: 1 },
      });
    for (let index = 0; index < 500; index += 1) await share(`s${index}`);
    await share('s499');
    await expect(share('one')).rejects.toThrow(/limited to 500 active share identifiers/);
    await pass(1);
    for (const { exit } of nodes) exit({ exitCode: 0 });
    await pass(3500);
    await expect(share('one')).rejects.toThrow(/limited to 500 active share identifiers/);
    await pass(200);
    await share('one');
  });

  it('an overridden number of nodes unless a range is open', async () => {
    const { batch, submit } = await world();
    await batch.registerJobDefinition({
      jobDefinitionName: 'closed',
      type: 'multinode',
      nodeProperties: {
        numNodes: 2,
        mainNode: 0,
        nodeRangeProperties: [{ targetNodes: '0:1', container: { image: 'i' } }],
      },
    });
    await expect(submit({ jobDefinition: 'closed:1' })).rejects.toThrow(/open node range/);
  });
});

describe('finding jobs', () => {
  it('by name, whatever the letter case and state, newest first, without children', async () => {
    const { batch, submit, pass, nodes } = await world();
    const first = await submit({ jobName: 'Run-a' });
    const second = await submit({ jobName: 'run-A' });
    await submit({ jobName: 'run-ab' });
    await pass(1);
    nodes.find((node) => node.spec.jobId === first && node.spec.isMain)?.exit({ exitCode: 0 });
    await pass(1);
    const { jobSummaryList } = await batch.listJobs({
      jobQueue: 'q',
      filters: [{ name: 'JOB_NAME', values: ['run-a'] }],
    });
    expect(jobSummaryList?.map((job) => job.jobId)).toEqual([second, first]);
  });

  it('is not idempotent: the same request twice is two jobs', async () => {
    const { submit } = await world();
    expect(await submit()).not.toBe(await submit());
  });

  it('leaves out ids it does not know, and takes at most 100', async () => {
    const { batch } = await world();
    expect((await batch.describeJobs({ jobs: ['nope'] })).jobs).toEqual([]);
    await expect(batch.describeJobs({ jobs: Array.from({ length: 101 }, String) })).rejects.toThrow(
      /at most 100/,
    );
  });

  it('forgets a job in time, and shows it late in lists, as AWS may', async () => {
    const { batch, submit, pass, nodes, describeJob } = await world({
      describeForMs: 10_000,
      listAfterMs: 5_000,
    });
    const id = await submit();
    const listed = async () =>
      (await batch.listJobs({ jobQueue: 'q', filters: [{ name: 'JOB_NAME', values: ['n'] }] })).jobSummaryList
        ?.length;
    await pass(1);
    expect(await listed()).toBe(0);
    await pass(5);
    expect(await listed()).toBe(1);
    nodes[0]?.exit({ exitCode: 0 });
    await pass(11);
    expect([await describeJob(id), await listed()]).toEqual([undefined, 0]);
  });
});
