import type { JobDetail, ListJobsCommandInput } from '@aws-sdk/client-batch';
import type { BatchPort } from '../../../aws/ports.ts';
import type { Clock, MakeNonce } from '../../../experiment/util/clock.ts';
import type { CapacityHook } from './capacity.ts';
import { Capacity } from './capacity.ts';
import { clientError } from './client-error.ts';
import type { JobQueue } from './fair-share.ts';
import { checkShare } from './fair-share.ts';
import type { Job } from './job.ts';
import { isOver } from './job.ts';
import type { JobDefinition } from './job-definition.ts';
import { checkJobDefinition } from './job-definition.ts';
import { childDetail, childSummary, jobSummary, parentDetail } from './job-detail.ts';
import { resolveJobRequest } from './job-request.ts';
import type { StartNode } from './node-start.ts';
import { fits } from './retry-decision.ts';
import type { Delays } from './run-job.ts';
import { runJob } from './run-job.ts';

export interface LocalBatchSettings {
  clock: Clock;
  nonce: MakeNonce;
  region: string;
  account: string;
  queues: readonly JobQueue[];
  startNode: StartNode;
  delays?: Delays;
  /** May hold a job back in RUNNABLE, with AWS's reason. */
  capacityHook?: CapacityHook;
  /** Told of every change of state but the first, as EventBridge is. */
  onStateChange?: (detail: JobDetail) => void;
  /** How long an ended job can still be described; AWS keeps them a week or so. */
  describeForMs?: number;
  /** How late ListJobs shows a new job. */
  listAfterMs?: number;
}

const NO_DELAYS: Delays = { pending: 0, starting: 0, child: () => 0 };

/** AWS Batch for multi-node parallel jobs: the same requests taken and refused, the same states, the same order of nodes. */
export class LocalBatch implements BatchPort {
  readonly #settings: LocalBatchSettings;
  readonly #definitions = new Map<string, JobDefinition[]>();
  readonly #jobs = new Map<string, Job>();
  readonly #running = new Set<Promise<void>>();
  readonly #capacity: Capacity;

  constructor(settings: LocalBatchSettings) {
    this.#settings = settings;
    this.#capacity = new Capacity(settings.queues, settings.capacityHook);
  }

  readonly registerJobDefinition: BatchPort['registerJobDefinition'] = async (input) => {
    const nodes = checkJobDefinition(input);
    const name = input.jobDefinitionName ?? '';
    const revisions = this.#definitions.get(name) ?? [];
    const revision = revisions.length + 1;
    const arn = this.#arn(`job-definition/${name}:${revision}`);
    revisions.push({ arn, name, revision, nodes, input });
    this.#definitions.set(name, revisions);
    return { $metadata: { httpStatusCode: 200 }, jobDefinitionName: name, jobDefinitionArn: arn, revision };
  };

  readonly describeJobDefinitions: BatchPort['describeJobDefinitions'] = async (input) => {
    const wanted = (definition: JobDefinition) =>
      input.jobDefinitions === undefined
        ? input.jobDefinitionName === undefined || input.jobDefinitionName === definition.name
        : input.jobDefinitions.some((text) => names(definition, text));
    const found = [...this.#definitions.values()].flat().filter(wanted);
    return {
      $metadata: { httpStatusCode: 200 },
      jobDefinitions: found.map(({ name, arn, revision, nodes, input: registered }) => ({
        ...registered,
        jobDefinitionName: name,
        jobDefinitionArn: arn,
        revision,
        status: 'ACTIVE',
        type: 'multinode',
        nodeProperties: nodes,
      })),
    };
  };

  /** Not idempotent: the same request twice is two jobs, as on AWS. */
  readonly submitJob: BatchPort['submitJob'] = async (input) => {
    const definition = [...this.#definitions.values()]
      .flat()
      .findLast((each) => names(each, input.jobDefinition ?? ''));
    if (definition === undefined)
      throw clientError(`JobDefinition with arn ${input.jobDefinition} does not exist`);
    const queue = this.#queue(input.jobQueue);
    if (queue === undefined) throw clientError(`JobQueue ${input.jobQueue} does not exist`);
    const request = resolveJobRequest(input, definition);
    checkShare(input, definition, queue, this.#jobs.values(), this.#settings.clock.now());
    const id = uuidOf(this.#settings.nonce());
    const job: Job = {
      id,
      arn: this.#arn(`job/${id}`),
      name: input.jobName ?? '',
      queue: queue.arn,
      definition,
      input: structuredClone(input),
      request,
      status: 'SUBMITTED',
      createdAt: this.#settings.clock.now(),
      attempts: [],
      children: [],
      ending: new AbortController(),
    };
    this.#jobs.set(id, job);
    const run = runJob(job, {
      clock: this.#settings.clock,
      startNode: this.#settings.startNode,
      delays: this.#settings.delays ?? NO_DELAYS,
      capacity: (waiting, signal) => this.#capacity.acquire(waiting, signal),
      onChange: (changed) => this.#settings.onStateChange?.(structuredClone(parentDetail(changed))),
    });
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
    return { $metadata: { httpStatusCode: 200 }, jobId: id, jobArn: job.arn, jobName: job.name };
  };

  readonly describeJobs: BatchPort['describeJobs'] = async (input) => {
    const ids = input.jobs ?? [];
    if (ids.length > 100) throw clientError('DescribeJobs takes at most 100 jobs');
    return { $metadata: { httpStatusCode: 200 }, jobs: ids.flatMap((id) => this.#detail(id)) };
  };

  readonly listJobs: BatchPort['listJobs'] = async (input) => {
    if (input.multiNodeJobId !== undefined) {
      const job = this.#visible(input.multiNodeJobId);
      return {
        $metadata: { httpStatusCode: 200 },
        jobSummaryList: job?.children.map((child) => childSummary(job, child)) ?? [],
      };
    }
    if (input.jobQueue !== undefined && this.#queue(input.jobQueue) === undefined)
      throw clientError(`JobQueue ${input.jobQueue} does not exist`);
    const listed = [...this.#jobs.values()].filter((job) => this.#isListed(job, input)).toReversed();
    return { $metadata: { httpStatusCode: 200 }, jobSummaryList: listed.map(jobSummary) };
  };

  /** Ends a job in whatever state it is; an ended job is left as it is. */
  readonly terminateJob: BatchPort['terminateJob'] = async (input) => {
    if ((input.reason ?? '') === '') throw clientError('reason must be given');
    const job = this.#jobs.get((input.jobId ?? '').split('#', 1)[0] ?? '');
    if (job !== undefined && !isOver(job) && job.terminated === undefined) {
      job.terminated = input.reason ?? '';
      job.ending.abort();
    }
    return { $metadata: { httpStatusCode: 200 } };
  };

  /** Ids of jobs that are not over; for whoever checks the system from outside. */
  liveJobs(): readonly Job[] {
    return [...this.#jobs.values()].filter((job) => !isOver(job));
  }

  /** Every job there ever was, for tests and simulations. */
  allJobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** Terminates what runs and waits for its end. */
  async close(): Promise<void> {
    for (const job of this.liveJobs())
      await this.terminateJob({ jobId: job.id, reason: 'The local system was stopped' });
    await Promise.all(this.#running);
  }

  #detail(id: string): JobDetail[] {
    const [parent = '', node] = id.split('#');
    const job = this.#visible(parent);
    if (job === undefined) return [];
    if (node === undefined) return [structuredClone(parentDetail(job))];
    const child = job.children[Number(node)];
    return child === undefined ? [] : [childDetail(job, child)];
  }

  #visible(id: string): Job | undefined {
    const job = this.#jobs.get(id);
    const forMs = this.#settings.describeForMs ?? Number.POSITIVE_INFINITY;
    return job === undefined ||
      (job.stoppedAt !== undefined && this.#settings.clock.now() - job.stoppedAt > forMs)
      ? undefined
      : job;
  }

  #isListed(job: Job, { jobQueue, jobStatus, filters }: ListJobsCommandInput): boolean {
    if (this.#visible(job.id) === undefined) return false;
    if (this.#settings.clock.now() - job.createdAt < (this.#settings.listAfterMs ?? 0)) return false;
    if (jobQueue !== undefined && job.queue !== this.#queue(jobQueue)?.arn) return false;
    // With a filter AWS ignores jobStatus; without either it lists RUNNING jobs only.
    const byName = filters?.find(({ name }) => name === 'JOB_NAME');
    if (byName !== undefined) return (byName.values ?? []).some((value) => fits(value, job.name));
    return job.status === (jobStatus ?? 'RUNNING');
  }

  #queue(text: string | undefined) {
    return this.#settings.queues.find(({ name, arn }) => text === name || text === arn);
  }

  #arn(resource: string): string {
    return `arn:aws:batch:${this.#settings.region}:${this.#settings.account}:${resource}`;
  }
}

function names(definition: JobDefinition, text: string): boolean {
  return (
    text === definition.arn ||
    text === `${definition.name}:${definition.revision}` ||
    text === definition.name ||
    text === definition.arn.replace(/:\d+$/, '')
  );
}

function uuidOf(nonce: string): string {
  const hex = nonce.replaceAll(/[^0-9a-f]/g, '').padEnd(32, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
