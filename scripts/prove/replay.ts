import type { AttemptDetail, JobDetail } from '@aws-sdk/client-batch';
import * as z from 'zod';
import { observeJob } from '../../experiment/batch/job-observation.ts';
import { isRunId } from '../../experiment/layout/run-id.ts';
import { settleReason } from '../../experiment/run/settle-trigger.ts';
import { droppedObjects } from '../../functions/ingest/object-created.ts';
import { LocalBatch } from '../../local/aws/batch/batch.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../local/clock/virtual.ts';
import { multinodeDefinition } from '../../local/system/deployment.ts';
import { fakeNodes } from '../../test/support/fake-nodes.ts';
import { FAIR_QUEUE } from '../../test/support/virtual-batch.ts';
import type { Evidence, Trial } from './evidence.ts';
import { QUESTIONS } from './questions.ts';

const time = z.number().optional();
const container = z
  .looseObject({ exitCode: z.number().optional(), reason: z.string().optional() })
  .optional();
const attempt = z.looseObject({
  startedAt: time,
  stoppedAt: time,
  statusReason: z.string().optional(),
  container,
  taskProperties: z.array(z.looseObject({ containers: z.array(z.looseObject({})).optional() })).optional(),
});
/** As far as readers look. Where AWS's answer is of another type, a reader would not see what is there. */
const detail = z.looseObject({
  jobId: z.string(),
  jobName: z.string(),
  jobQueue: z.string(),
  jobDefinition: z.string(),
  status: z.enum(['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING', 'SUCCEEDED', 'FAILED']),
  statusReason: z.string().optional(),
  createdAt: time,
  startedAt: time,
  stoppedAt: time,
  attempts: z.array(attempt).optional(),
  container,
  isTerminated: z.boolean().optional(),
});
/** An entry of DescribeJobs that has what its readers look at. */
const job = z.custom<JobDetail & { jobId: string }>((value) => detail.safeParse(value).success);
const described = z.object({ jobs: z.array(z.unknown()).default([]) });
const received = z.object({ Messages: z.array(z.object({ Body: z.string() })).default([]) });
const event = z.looseObject({
  source: z.string(),
  detail: z.looseObject({ jobName: z.string().optional(), name: z.string().optional() }),
});

/** Where our readers and our AWS Batch differ from what was answered. Empty where they do not. */
export async function replay({ trials }: Evidence): Promise<string[]> {
  const found = new Set<string>();
  for (const trial of trials)
    for (const difference of [...unasked(trial), ...unreadEvents(trial), ...(await otherJobs(trial))])
      found.add(`${trial.name}: ${difference}`);
  return [...found];
}

function unasked({ answers }: Trial): string[] {
  return answers
    .filter(({ question }) => !Object.hasOwn(QUESTIONS, question))
    .map(({ question }) => `nobody asks ${question} any more`);
}

function answersOf({ calls }: Trial, wanted: string) {
  return calls.flatMap(({ operation, answer }) => (operation === wanted ? [answer ?? {}] : []));
}

function unreadEvents(trial: Trial): string[] {
  const bodies = answersOf(trial, 'ReceiveMessage').flatMap((answer) => received.parse(answer).Messages);
  return bodies.flatMap(({ Body }) => {
    const told: unknown = JSON.parse(Body);
    const { source, detail: of } = event.parse(told);
    const isRead =
      source === 'aws.s3'
        ? droppedObjects(told)?.length === 1
        : !isRunId(of.jobName ?? of.name ?? '') || settleReason(told).kind === 'run';
    return isRead ? [] : [`an event of ${source} is not read`];
  });
}

async function otherJobs(trial: Trial): Promise<string[]> {
  const courses = new Map<string, JobDetail[]>();
  const unread = answersOf(trial, 'DescribeJobs')
    .flatMap((answer) => described.parse(answer).jobs)
    .flatMap((entry) => {
      const read = job.safeParse(entry);
      if (!read.success) return [`an entry of DescribeJobs: ${detail.safeParse(entry).error?.message}`];
      courses.set(read.data.jobId, [...(courses.get(read.data.jobId) ?? []), read.data]);
      return [];
    });
  const parents = [...courses].filter(([id]) => !id.includes('#'));
  const other = await Promise.all(
    parents.map(([id, course]) => differences(course, courses.get(`${id}#1`) ?? [])),
  );
  return [...unread, ...other.flat()];
}

/** The same course of a job by our Batch: its attempts' ends, and a child's where it came first. */
async function differences(course: readonly JobDetail[], child: readonly JobDetail[]): Promise<string[]> {
  const last = course.at(-1);
  if (last === undefined || !['SUCCEEDED', 'FAILED'].includes(last.status ?? '')) return [];
  const ours = await rerun(last, child);
  const [theirs, mine] = [told(last), told(ours)];
  const unknown = Object.keys(ours).filter((key) => !(key in last));
  return [
    ...(theirs === mine ? [] : [`a job ended as ${theirs}, by our Batch as ${mine}`]),
    ...unknown.map((key) => `our Batch describes ${key} of an ended job, which was not reported`),
  ];
}

function told(of: JobDetail): string {
  const seen = observeJob(of);
  const attempts = seen?.attempts.map(({ exitCode, statusReason }) => ({ exitCode, statusReason }));
  return JSON.stringify({ ...seen, ...NOT_OURS, attempts });
}

/** What another job has otherwise. */
const NOT_OURS = { id: '', tags: {}, createdAt: 0, startedAt: 0, stoppedAt: 0 };

async function rerun(last: JobDetail, child: readonly JobDetail[]): Promise<JobDetail> {
  const clock = new VirtualClock(last.createdAt ?? 0);
  const { nodes, startNode } = fakeNodes();
  const batch = new LocalBatch({
    clock,
    nonce: new SeededRandom(1).nonce,
    region: 'local',
    account: '000000000000',
    queues: [FAIR_QUEUE],
    startNode,
  });
  await batch.registerJobDefinition(multinodeDefinition('node', { image: 'x' }));
  const attempts = last.attempts ?? [];
  const { jobId = '' } = await batch.submitJob({
    jobName: last.jobName ?? '',
    jobQueue: FAIR_QUEUE.name,
    jobDefinition: 'node',
    shareIdentifier: 'a',
    schedulingPriorityOverride: 0,
    retryStrategy: { attempts: Math.max(2, attempts.length), evaluateOnExit: RULES },
    nodeOverrides: { numNodes: 2 },
  });
  const step = () => clock.advance(60_000);
  for (const [number, { container: ended, statusReason = '', startedAt, stoppedAt }] of attempts.entries()) {
    await step();
    const [main, worker] = nodes.filter(({ spec }) => spec.attempt === number + 1);
    if ((child.at(-1)?.stoppedAt ?? Number.POSITIVE_INFINITY) < (stoppedAt ?? startedAt ?? 0))
      worker?.exit({ exitCode: 0 });
    if (last.isTerminated === true && number === attempts.length - 1)
      await batch.terminateJob({ jobId, reason: last.statusReason ?? '' });
    main?.exit({ ...exitOf(ended), ...(statusReason.startsWith('Host EC2') ? { statusReason } : {}) });
    await step();
  }
  if (last.isTerminated === true) await batch.terminateJob({ jobId, reason: last.statusReason ?? '' });
  await step();
  const { jobs: [ours] = [] } = await batch.describeJobs({ jobs: [jobId] });
  if (ours === undefined) throw new Error('our Batch does not know its own job');
  return ours;
}

function exitOf({ exitCode, reason }: NonNullable<AttemptDetail['container']> = {}) {
  return { ...(exitCode === undefined ? {} : { exitCode }), ...(reason === undefined ? {} : { reason }) };
}

/** The template's. */
const RULES = [
  { onStatusReason: 'Host EC2*', action: 'RETRY' as const },
  { onReason: '*', action: 'EXIT' as const },
];
