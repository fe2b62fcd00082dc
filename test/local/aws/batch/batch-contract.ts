import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BatchPort } from '../../../../aws/ports.ts';

export interface BatchProvider {
  batch: BatchPort;
  /** ARN of the one queue there is. */
  queue: string;
  /** Lets all jobs that run come to their end, with success. */
  finishJobs(): Promise<void>;
  close(): Promise<void>;
}

/** What a provider has not; docs/aws-facts.md says so, too. */
type Lack = 'jobs that run' | 'names that are refused' | 'order' | 'shape of a multi-node job';

const NODE_PROPERTIES = {
  numNodes: 2,
  mainNode: 0,
  nodeRangeProperties: [
    {
      targetNodes: '0:',
      container: {
        image: 'i',
        resourceRequirements: [
          { type: 'VCPU' as const, value: '4' },
          { type: 'MEMORY' as const, value: '1024' },
        ],
      },
    },
  ],
};

/** What this system rests on of AWS Batch, run over every provider of it. */
export function batchContract(
  name: string,
  open: () => Promise<BatchProvider>,
  lacks: readonly Lack[] = [],
): void {
  describe(`Batch: ${name}`, () => {
    let provider: BatchProvider;
    beforeAll(async () => {
      provider = await open();
      await register('d');
    });
    afterAll(() => provider?.close());
    const unless = (lack: Lack, title: string, test: () => Promise<void>) => {
      if (!lacks.includes(lack)) it(title, test);
    };

    const register = (jobDefinitionName: string) =>
      provider.batch.registerJobDefinition({
        jobDefinitionName,
        type: 'multinode',
        nodeProperties: NODE_PROPERTIES,
      });
    const submit = (jobName: string, more: { jobDefinition?: string; jobQueue?: string } = {}) =>
      provider.batch.submitJob({
        jobName,
        jobQueue: provider.queue,
        jobDefinition: 'd:1',
        nodeOverrides: { numNodes: 3 },
        tags: { project: 'p' },
        ...more,
      });
    const describeJob = async (jobId = '') =>
      (await provider.batch.describeJobs({ jobs: [jobId] })).jobs?.[0];
    const idsOf = async (given: object) => {
      const { jobSummaryList = [] } = await provider.batch.listJobs({ jobQueue: provider.queue, ...given });
      return jobSummaryList.map(({ jobId }) => jobId);
    };
    const byName = (...values: string[]) => ({ filters: [{ name: 'JOB_NAME', values }] });
    const nameOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: Error) => error.name,
      );

    it('keeps every revision of a definition', async () => {
      const first = await register('revised');
      const second = await register('revised');
      expect([first.revision, second.revision]).toEqual([1, 2]);
      expect(first.jobDefinitionArn).toMatch(/^arn:aws:batch:[\w-]+:\d{12}:job-definition\/revised:1$/);
      const named = async (given: { jobDefinitionName?: string; jobDefinitions?: string[] }) =>
        (await provider.batch.describeJobDefinitions(given)).jobDefinitions ?? [];
      const all = await named({ jobDefinitionName: 'revised' });
      expect(all.map(({ revision }) => revision).toSorted()).toEqual([1, 2]);
      const [one, ...others] = await named({ jobDefinitions: [first.jobDefinitionArn ?? ''] });
      expect(others).toEqual([]);
      expect(one).toMatchObject({
        jobDefinitionName: 'revised',
        jobDefinitionArn: first.jobDefinitionArn,
        status: 'ACTIVE',
        type: 'multinode',
      });
      expect(await named({ jobDefinitionName: 'nobodys' })).toEqual([]);
    });

    it('makes a job of every submission, the same one twice included', async () => {
      const first = await submit('twice');
      const second = await submit('twice');
      expect(first.jobName).toBe('twice');
      expect(first.jobArn).toMatch(new RegExp(`^arn:aws:batch:[\\w-]+:\\d{12}:job/${first.jobId}$`));
      expect(first.jobId).not.toBe(second.jobId);
      expect((await idsOf(byName('twice'))).toSorted()).toEqual([first.jobId, second.jobId].toSorted());
    });

    it('takes a definition by name and revision, by ARN, and by name alone, which means the latest', async () => {
      await register('asked-for');
      const { jobDefinitionArn = '' } = await register('asked-for');
      for (const [asked, got] of [
        ['asked-for:1', jobDefinitionArn.replace(/2$/, '1')],
        [jobDefinitionArn, jobDefinitionArn],
        ['asked-for', jobDefinitionArn],
      ]) {
        const { jobId } = await submit('by-definition', { jobDefinition: asked ?? '' });
        expect((await describeJob(jobId))?.jobDefinition, asked).toBe(got);
      }
    });

    it('refuses a definition and a queue that do not exist', async () => {
      for (const wrong of [{ jobDefinition: 'nobodys:1' }, { jobQueue: 'nobodys' }])
        expect(await nameOf(submit('refused', wrong))).toBe('ClientException');
      expect(await nameOf(idsOf({ jobQueue: 'nobodys' }))).toBe('ClientException');
    });

    unless('names that are refused', 'refuses a name of other signs', async () => {
      for (const jobName of ['a b', '-a', 'a'.repeat(129), ''])
        expect(await nameOf(submit(jobName)), jobName).toBe('ClientException');
    });

    it('describes those jobs that there are', async () => {
      const { jobId = '', jobArn } = await submit('described');
      const { jobs } = await provider.batch.describeJobs({
        jobs: ['00000000-0000-4000-8000-000000000000', jobId],
      });
      expect(jobs).toHaveLength(1);
      expect(jobs?.[0]).toMatchObject({
        jobId,
        jobArn,
        jobName: 'described',
        jobQueue: provider.queue,
        tags: { project: 'p' },
        nodeProperties: { mainNode: 0 },
      });
      expect(Number.isInteger(jobs?.[0]?.createdAt)).toBe(true);
    });

    unless('shape of a multi-node job', 'tells of nodes, and of no container', async () => {
      const { jobDefinitions = [] } = await provider.batch.describeJobDefinitions({
        jobDefinitions: ['d:1'],
      });
      expect(jobDefinitions.map(({ nodeProperties }) => nodeProperties)).toEqual([NODE_PROPERTIES]);
      const { jobId } = await submit('shape');
      const job = await describeJob(jobId);
      expect(job?.nodeProperties?.numNodes).toBe(3);
      expect(job?.container).toBeUndefined();
      await provider.finishJobs();
      const { jobSummaryList = [] } = await provider.batch.listJobs({ multiNodeJobId: jobId ?? '' });
      expect(jobSummaryList.map((child) => child.nodeProperties?.nodeIndex)).toEqual([0, 1, 2]);
    });

    it('a job that succeeded has its times and its one attempt', async () => {
      const { jobId } = await submit('over');
      await provider.finishJobs();
      const job = await describeJob(jobId);
      expect(job?.status).toBe('SUCCEEDED');
      expect(job?.attempts).toHaveLength(1);
      const times = [job?.createdAt, job?.startedAt, job?.stoppedAt];
      expect(times.every(Number.isInteger)).toBe(true);
      expect(times.toSorted()).toEqual(times);
      expect(await idsOf({ jobStatus: 'SUCCEEDED' })).toContain(jobId);
      expect(await idsOf({ jobStatus: 'FAILED' })).not.toContain(jobId);
    });

    it('finds jobs by name whatever the case and the status, and by the beginning of a name', async () => {
      const { jobId } = await submit('Speed-Sweep-1');
      await provider.finishJobs();
      expect(await idsOf(byName('speed-sweep-1'))).toEqual([jobId]);
      expect(await idsOf(byName('SPEED-*'))).toEqual([jobId]);
      expect(await idsOf(byName('speed'))).toEqual([]);
      expect(await idsOf(byName('nobodys', 'speed-sweep-1'))).toEqual([jobId]);
      expect(await idsOf({ jobStatus: 'RUNNING', ...byName('speed-sweep-1') })).toEqual([jobId]);
    });

    unless('order', 'lists the newest first', async () => {
      const first = await submit('ordered');
      const second = await submit('ordered');
      expect(await idsOf(byName('ordered'))).toEqual([second.jobId, first.jobId]);
    });

    it('leaves an ended job as it is, and knows nothing of one that never was', async () => {
      const { jobId = '' } = await submit('ended');
      await provider.finishJobs();
      const before = await describeJob(jobId);
      for (const id of [jobId, '00000000-0000-4000-8000-000000000000'])
        await provider.batch.terminateJob({ jobId: id, reason: 'too late' });
      const { status, stoppedAt, attempts } = before ?? {};
      expect(await describeJob(jobId)).toMatchObject({ status, stoppedAt, attempts });
    });

    it('wants a reason', async () => {
      const { jobId = '' } = await submit('no-reason');
      expect(await nameOf(provider.batch.terminateJob({ jobId, reason: '' }))).toBe('ClientException');
    });

    unless('jobs that run', 'ends a job that runs, and says why', async () => {
      const { jobId = '' } = await submit('terminated');
      expect(await idsOf({ jobStatus: 'SUCCEEDED' })).not.toContain(jobId);
      await provider.batch.terminateJob({ jobId, reason: 'The run was cancelled' });
      await provider.finishJobs();
      expect(await describeJob(jobId)).toMatchObject({
        status: 'FAILED',
        statusReason: 'The run was cancelled',
      });
    });
  });
}
