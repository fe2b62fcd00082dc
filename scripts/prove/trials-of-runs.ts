import { DescribeJobDefinitionsCommand, ListJobsCommand } from '@aws-sdk/client-batch';
import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { StopTaskCommand } from '@aws-sdk/client-ecs';
import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { observeJob } from '../../experiment/batch/job-observation.ts';
import { settleReason } from '../../experiment/run/settle-trigger.ts';
import { droppedObjects } from '../../functions/ingest/object-created.ts';
import type { Answer, Lab } from './lab.ts';
import {
  describeJob,
  dropRun,
  instanceOf,
  isOver,
  jobIdOf,
  ms,
  OUR_MANIFEST,
  runningJob,
  stopRun,
  until,
} from './lab.ts';
import { catchEvents, changeStack, putBack } from './made.ts';

const held = (holds: boolean) => (holds ? 'as assumed' : 'otherwise');

/** A run that nobody disturbs: its events, when lists show it, its machines, and an update meanwhile. */
export async function calm(lab: Lab, answer: Answer): Promise<void> {
  const queue = await catchEvents(lab);
  const types = lab.deployment.instanceTypes ?? [];
  const type = types.length > 1 ? types.at(-1) : undefined;
  const cluster = type === undefined ? '' : `, instanceType: ${type}`;
  const runId = await dropRun(lab, 'calm', { command: `sleep ${ms(lab, 240) / 1000}`, cluster });
  const listed = await until(lab, `${runId} in ListJobs`, 300, () => firstListed(lab, runId));
  const jobId = await runningJob(lab, runId);
  const { parent: before, child } = await describeJob(lab, jobId);
  const seconds = Math.round((listed - (before?.createdAt ?? 0)) / 1000);
  answer('list-delay', held(seconds <= 60), `it was listed ${seconds} s after it was made`);
  if (type === undefined) answer('instance-type', 'not asked', 'the stack has one type');
  else {
    const is = (await instanceOf(lab, child))?.type;
    answer('instance-type', held(is === type), `${type} was asked for, and node 1 is ${is}`);
  }
  await changeStack(lab, queue);
  const { parent: after } = await describeJob(lab, jobId);
  const isSame = after?.status === 'RUNNING' && after.startedAt === before?.startedAt;
  answer('update-leaves-jobs', held(isSame), `after the update the job is ${after?.status}`);
  await putBack(lab, queue);
  await until(lab, `the end of ${runId}`, 600, async () =>
    isOver((await describeJob(lab, jobId)).parent) ? true : undefined,
  );
  const unread = await readEvents(lab, queue, runId);
  answer(
    'events-read',
    held(unread.length === 0),
    unread.join('; ') || 'each was read, of all three services',
  );
}

async function firstListed({ clients, deployment, clock }: Lab, runId: string) {
  const filters = [{ name: 'JOB_NAME', values: [runId] }];
  const jobQueue = deployment.queues[deployment.defaultQueue]?.arn;
  const { jobSummaryList = [] } = await clients.batch.send(new ListJobsCommand({ jobQueue, filters }));
  return jobSummaryList.length > 0 ? clock.now() : undefined;
}

const body = z.object({ source: z.string(), detail: z.looseObject({ status: z.string().optional() }) });

/** What of a run's events is missing or not understood, once its end was told or a minute is over. */
async function readEvents(lab: Lab, QueueUrl: string, runId: string): Promise<string[]> {
  const { clock, clients } = lab;
  const missing = new Set(['aws.s3', 'aws.batch', 'aws.states']);
  const unread = new Set<string>();
  for (const end = clock.now() + Math.max(10_000, ms(lab, 60)); clock.now() < end; ) {
    const { Messages = [] } = await clients.queues.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    for (const { Body = '' } of Messages) {
      const event: unknown = JSON.parse(Body);
      const read = body.safeParse(event);
      if (!read.success || !Body.includes(read.data.source === 'aws.s3' ? OUR_MANIFEST : runId)) continue;
      missing.delete(read.data.source);
      if (!isRead(event, read.data.source, runId))
        unread.add(`an event of ${read.data.source} (${read.data.detail.status ?? ''}) is not read`);
    }
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    if (Entries.length > 0) await clients.queues.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    if (Entries.length === 0 && missing.size === 0) break;
  }
  return [...unread, ...[...missing].map((source) => `none came of ${source}`)];
}

/** As ingest and settle do. */
function isRead(event: unknown, source: string, runId: string): boolean {
  if (source === 'aws.s3') return droppedObjects(event)?.[0]?.key.endsWith(`/${OUR_MANIFEST}`) === true;
  const reason = settleReason(event);
  return reason.kind === 'run' && reason.runId === runId;
}

/** A worker's container is stopped, then node 0's. */
export async function children(lab: Lab, answer: Answer): Promise<void> {
  const runId = await dropRun(lab, 'children', { command: 'sleep 900' });
  const jobId = await runningJob(lab, runId);
  const { main, child } = await describeJob(lab, jobId);
  const instance = await instanceOf(lab, child);
  await stopTask(lab, child?.container?.taskArn, instance?.cluster);
  await until(lab, 'the end of node 1', 300, async () =>
    isOver((await describeJob(lab, jobId)).child) ? true : undefined,
  );
  const end = lab.clock.now() + ms(lab, 180);
  let state = instance?.state;
  let parent = (await describeJob(lab, jobId)).parent;
  while (
    lab.clock.now() < end &&
    parent?.status === 'RUNNING' &&
    (state === 'running' || state === undefined)
  ) {
    await lab.clock.sleep(ms(lab, 20), lab.signal);
    state = (await instanceOf(lab, child))?.state ?? 'gone';
    parent = (await describeJob(lab, jobId)).parent;
  }
  answer(
    'child-stopped',
    held(parent?.status === 'RUNNING'),
    `three minutes later the job is ${parent?.status}`,
  );
  answer(
    'instance-given-back',
    held(state === 'running'),
    `the job still runs, and its instance is ${state}`,
  );
  await stopTask(lab, main?.container?.taskArn, instance?.cluster);
  const over = await until(lab, "the job's end after main's", 300, async () => {
    const now = await describeJob(lab, jobId);
    return isOver(now.parent) && isOver(now.child) ? now.parent : undefined;
  });
  answer('main-ends', 'as assumed', `the job is ${over?.status}: ${over?.statusReason}`);
}

async function stopTask({ clients }: Lab, task: string | undefined, cluster: string | undefined) {
  await clients.ecs.send(new StopTaskCommand({ task, cluster, reason: 'npm run prove' }));
}

/** Node 0 loses its machine. */
export async function host(lab: Lab, answer: Answer): Promise<void> {
  const runId = await dropRun(lab, 'host', { command: 'sleep 900', more: 'retry: {attempts: 2}\n' });
  const jobId = await runningJob(lab, runId);
  const instance = await instanceOf(lab, (await describeJob(lab, jobId)).main);
  await lab.clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance?.id ?? ''] }));
  const job = await until(lab, 'the end of the first attempt', 900, async () => {
    const { parent } = await describeJob(lab, jobId);
    return parent?.attempts?.[0]?.stoppedAt === undefined ? undefined : parent;
  });
  const reason = job.attempts?.[0]?.statusReason ?? '';
  const ended = job.attempts?.[0]?.stoppedAt ?? 0;
  const now = await until(lab, 'what becomes of the job', 120, async () => {
    const { parent } = await describeJob(lab, jobId);
    const isLeft = parent?.status === 'RUNNING' && (parent.startedAt ?? 0) <= ended;
    return isLeft ? undefined : parent;
  });
  const holds = reason.startsWith('Host EC2') && !isOver(now);
  answer('host-lost', held(holds), `the attempt ended with "${reason}", and then the job is ${now.status}`);
}

/** Freezes the runner of node 0 from one of its tasks: it hears no SIGTERM, and only SIGKILL ends it. */
const FREEZE = `run=$(basename "$(dirname "$PWD")"); for p in /proc/[0-9]*; do grep -qa "SIERRA_BATCH_RUN=s3://[^/]*/runs/$run" $p/environ 2>/dev/null && grep -qa "AWS_BATCH_JOB_NODE_INDEX=0" $p/environ && kill -STOP "\${p#/proc/}"; done; sleep 900`;

/** A run is cancelled whose node 0 does not end by itself. */
export async function cancelled(lab: Lab, answer: Answer): Promise<void> {
  const { clients, clock, deployment } = lab;
  const runId = await dropRun(lab, 'cancelled', { command: FREEZE });
  const jobId = await runningJob(lab, runId);
  const { jobDefinitions: [definition] = [] } = await clients.batch.send(
    new DescribeJobDefinitionsCommand({ jobDefinitions: [deployment.jobDefinition] }),
  );
  const container = definition?.nodeProperties?.nodeRangeProperties?.[0]?.container;
  const told = container?.environment?.find(({ name }) => name === 'SIERRA_BATCH_STOP_SECONDS')?.value;
  await clock.sleep(Math.max(8000, ms(lab, 30)), lab.signal);
  await stopRun(lab, runId);
  const since = await until(lab, 'TerminateJob', 300, async () => {
    const { parent } = await describeJob(lab, jobId);
    return parent?.isTerminated === true || isOver(parent) ? clock.now() : undefined;
  });
  const over = await until(lab, 'the end of a job whose node 0 is frozen', 600, async () => {
    const { parent } = await describeJob(lab, jobId);
    return isOver(parent) ? parent : undefined;
  });
  const seconds = Math.round(((over.stoppedAt ?? 0) - since) / 1000);
  const exit = observeJob(over)?.exitCode;
  const because = `node 0 ended ${seconds} s later with ${exit}, where the definition says ${told} s`;
  // Told to end, it ends with 143: then it was not frozen, and nothing is known.
  answer('stop-timeout', exit === 137 ? held(Math.abs(seconds - Number(told)) <= 15) : 'unknown', because);
}

/** Nodes with GPUs, where the stack has any. */
export async function gpu(lab: Lab, answer: Answer): Promise<void> {
  if (lab.stack.parameters.Gpus !== 'true') {
    answer('gpu', 'not asked', 'none of the stack’s types has GPUs');
    return;
  }
  const runId = await dropRun(lab, 'gpu', { command: 'nvidia-smi', cluster: ', gpus: 1' });
  const jobId = await until(lab, `a job of ${runId}`, 180, () => jobIdOf(lab, runId));
  const over = await until(lab, `the end of ${runId}`, 1200, async () => {
    const { parent } = await describeJob(lab, jobId);
    return isOver(parent) ? parent : undefined;
  });
  answer(
    'gpu',
    held(over.status === 'SUCCEEDED'),
    `the run of nvidia-smi ${over.status}: ${over.statusReason}`,
  );
}
