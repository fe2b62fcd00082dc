import {
  BatchClient,
  DescribeJobsCommand,
  ListJobsCommand,
  SubmitJobCommand,
  TerminateJobCommand,
} from '@aws-sdk/client-batch';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { mockClient } from 'aws-sdk-client-mock';
import 'aws-sdk-client-mock-vitest/extend';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { submitJobRequest } from '../../experiment/batch/submit-request.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import { readDeployment } from '../../functions/deployment-environment.ts';
import { memoryBodies } from '../../local/aws/s3/memory-bodies.ts';
import { ObjectIndex } from '../../local/aws/s3/object-index.ts';
import { LocalS3 } from '../../local/aws/s3/s3.ts';
import { SeededRandom } from '../../local/clock/seeded-random.ts';
import { VirtualClock } from '../../local/clock/virtual.ts';
import { awsError, BUCKET, failureOf, MANIFEST, STATE_MACHINE } from '../support/control-plane.ts';
import { FUNCTION_ENVIRONMENT } from '../support/function-environment.ts';

const states = mockClient(SFNClient);
const batch = mockClient(BatchClient);
const objects = mockClient(S3Client);
const events = mockClient(EventBridgeClient);
const mail = mockClient(SNSClient);
// They change the SDK's own classes, which other files of this worker use.
afterAll(() => {
  for (const one of [states, batch, objects, events, mail]) one.restore();
});
const printed: string[] = [];

beforeEach(() => {
  for (const [name, value] of Object.entries(FUNCTION_ENVIRONMENT)) vi.stubEnv(name, value);
  for (const one of [states, batch, objects, events, mail]) one.reset();
  const s3 = new LocalS3({
    bucket: BUCKET,
    bodies: memoryBodies(),
    index: new ObjectIndex(),
    clock: new VirtualClock(Date.now()),
    nonce: new SeededRandom(1).nonce,
    missing: 'AccessDenied',
    keepNoncurrent: 2,
  });
  objects.on(PutObjectCommand).callsFake((input) => s3.putObject(input));
  objects.on(GetObjectCommand).callsFake((input) => s3.getObject(input));
  objects.on(HeadObjectCommand).callsFake((input) => s3.headObject(input));
  objects.on(DeleteObjectCommand).callsFake((input) => s3.deleteObject(input));
  objects.on(ListObjectsV2Command).callsFake((input) => s3.listObjectsV2(input));
  objects.on(ListObjectVersionsCommand).callsFake((input) => s3.listObjectVersions(input));
  states.on(StartExecutionCommand).resolves({});
  states.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
  batch.on(SubmitJobCommand).resolves({ jobId: 'job-1' });
  batch.on(DescribeJobsCommand).resolves({ jobs: [] });
  batch.on(ListJobsCommand).resolves({ jobSummaryList: [] });
  events.on(PutEventsCommand).callsFake(({ Entries = [] }) => ({
    FailedEntryCount: 0,
    Entries: Entries.map(() => ({ EventId: '1' })),
  }));
  mail.on(PublishCommand).resolves({ MessageId: '1' });
  printed.length = 0;
  // Powertools writes to the streams themselves.
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed.push(...String(text).trimEnd().split('\n'));
      return true;
    });
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.resetModules();
});

/** The handlers as Lambda loads them: what they read of the environment they read now. */
async function handlers() {
  const [ingest, submit, settle, collect] = await Promise.all([
    import('../../functions/live/ingest.ts'),
    import('../../functions/live/submit.ts'),
    import('../../functions/live/settle.ts'),
    import('../../functions/live/collect.ts'),
  ]);
  return {
    ingest: ingest.handler,
    submit: submit.handler,
    settle: settle.handler,
    collect: collect.handler,
  };
}

async function drop(key = 'manifests/sweep.yaml') {
  const { VersionId, ETag = '' } = await new S3Client({}).send(
    new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: MANIFEST }),
  );
  const event = {
    version: '0',
    id: '1',
    source: 'aws.s3',
    'detail-type': 'Object Created',
    account: '0',
    time: '',
    region: '',
    resources: [],
    detail: {
      bucket: { name: BUCKET },
      object: { key, etag: ETag.replaceAll('"', ''), 'version-id': VersionId },
    },
  };
  const source = { bucket: BUCKET, key, version: VersionId ?? '' };
  return { event, source, runId: makeRunId('sweep', source) };
}

async function stored(key: string): Promise<Record<string, unknown>> {
  const { Body } = await new S3Client({}).send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
  return JSON.parse((await Body?.transformToString()) ?? '');
}

it('ingest reads that very version and starts one execution, named as the run', async () => {
  const { ingest } = await handlers();
  const { event, runId } = await drop();
  await ingest(event);
  expect(objects).toHaveReceivedCommandWith(GetObjectCommand, {
    Bucket: BUCKET,
    Key: 'manifests/sweep.yaml',
    VersionId: event.detail.object['version-id'] ?? '',
  });
  expect(states).toHaveReceivedCommandOnce(StartExecutionCommand);
  expect(states).toHaveReceivedCommandWith(StartExecutionCommand, {
    stateMachineArn: STATE_MACHINE,
    name: runId,
    input: expect.stringContaining(runId),
  });
  expect(objects).toHaveReceivedCommandWith(PutObjectCommand, {
    Key: runKeys(runId).control,
    IfNoneMatch: '*',
  });
  const metric = printed.find((line) => line.includes('ManifestAccepted') && line.includes('_aws'));
  expect(JSON.parse(metric ?? '{}')).toMatchObject({ ManifestAccepted: 1, service: 'sierra-batch' });
  expect(
    printed.map((line) => JSON.parse(line)).find(({ message }) => message === 'Manifest:Accepted'),
  ).toMatchObject({ runId, level: 'INFO', service: 'ingest' });
});

it('ExecutionAlreadyExists of this very source is the same run; of another it is a loud fault', async () => {
  const { ingest } = await handlers();
  const { event, source, runId } = await drop();
  const $metadata = { httpStatusCode: 400 };
  states.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists({ message: 'taken', $metadata }));
  const answer = (given: object) =>
    states
      .on(DescribeExecutionCommand, { executionArn: executionArn(STATE_MACHINE, runId) })
      .resolves({ status: 'FAILED', input: JSON.stringify({ runId, source: given, timeoutSeconds: 1 }) });
  answer(source);
  await ingest(event);
  answer({ ...source, key: 'manifests/other.yaml' });
  expect((await failureOf(ingest(event))).name).toBe('RunIdCollision');
  const failed = printed.map((line) => JSON.parse(line)).find(({ message }) => message === 'Ingest:Failed');
  expect(failed).toMatchObject({ level: 'ERROR', family: 'terminal', error: 'RunIdCollision' });
});

it('submit sends exactly one SubmitJob, the plan’s, and keeps the token out of the log', async () => {
  const { ingest, submit } = await handlers();
  const { event, runId } = await drop();
  await ingest(event);
  await submit({ runId, token: 'secret-token', retryCount: 0, executionArn: 'arn' });
  const control = await stored(runKeys(runId).control);
  expect(control).toMatchObject({ job: { id: 'job-1' }, token: { value: 'secret-token' } });
  const plan = JSON.parse(JSON.stringify(await stored(runKeys(runId).plan)));
  expect(batch).toHaveReceivedCommandOnce(SubmitJobCommand);
  expect(batch).toHaveReceivedCommandWith(
    SubmitJobCommand,
    submitJobRequest(plan, readDeployment(FUNCTION_ENVIRONMENT), {
      nonce: String(control.jobNonce),
      planSha256: String(control.planSha256),
    }),
  );
  expect(printed.join('\n')).not.toContain('secret-token');
});

it('settle completes the token of a job that is over, and collect writes what it came to', async () => {
  const { ingest, submit, settle, collect } = await handlers();
  const { event, runId } = await drop();
  await ingest(event);
  await submit({ runId, token: 'secret-token', retryCount: 0 });
  const { jobNonce } = await stored(runKeys(runId).control);
  const container = { exitCode: 0 };
  batch.on(DescribeJobsCommand, { jobs: ['job-1'] }).resolves({
    jobs: [
      {
        jobId: 'job-1',
        jobName: runId,
        jobQueue: 'q',
        jobDefinition: 'd',
        status: 'SUCCEEDED',
        startedAt: 1,
        stoppedAt: 2,
        attempts: [{ taskProperties: [{ containers: [container] }], startedAt: 1, stoppedAt: 2 }],
        tags: { nonce: String(jobNonce) },
      },
    ],
  });
  await settle({ source: 'aws.batch', detail: { jobName: runId, jobId: 'job-1#3', status: 'RUNNING' } });
  expect(states).toHaveReceivedCommandWith(SendTaskSuccessCommand, {
    taskToken: 'secret-token',
    output: '{"jobId":"job-1"}',
  });
  expect(batch).not.toHaveReceivedCommand(TerminateJobCommand);
  expect(await collect({ runId })).toMatchObject({ outcome: 'succeeded' });
  expect(await stored(runKeys(runId).summary)).toMatchObject({ exitCode: 0 });
});

it('the schedule asks for live jobs of every queue and state, by pages, and says nothing when there is nothing', async () => {
  const { settle } = await handlers();
  batch
    .on(ListJobsCommand)
    .resolvesOnce({ jobSummaryList: [{ jobId: 'x', jobName: 'a-00000000000' }], nextToken: 'more' })
    .resolves({ jobSummaryList: [] });
  await settle({ source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} });
  const asked = batch.commandCalls(ListJobsCommand).map(({ args: [{ input }] }) => input);
  expect(new Set(asked.map(({ jobStatus }) => jobStatus))).toEqual(
    new Set(['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING']),
  );
  expect(asked.filter(({ nextToken }) => nextToken === 'more')).toHaveLength(1);
  expect(printed.map((line) => JSON.parse(line).message)).toEqual(['Job:WithoutRecord']);
});

it.each([
  ['ThrottlingException', 400],
  ['InternalServerError', 500],
  ['AccessDeniedException', 403],
])(
  'an error of AWS (%s) leaves as ServiceUnavailable, with its name and words kept',
  async (name, status) => {
    const { settle } = await handlers();
    batch.on(ListJobsCommand).rejects(awsError(name, status, 'not now'));
    const failure = await failureOf(settle({ source: 'aws.events' }));
    expect(failure).toMatchObject({ name: 'ServiceUnavailable', message: `${name}: not now` });
    expect(failure.cause).toMatchObject({ name });
    const metric = printed.find((line) => line.includes('_aws'));
    expect(JSON.parse(metric ?? '{}')).toMatchObject({ FunctionFailed: 1 });
  },
);

it('an environment that is wrong is told with every fault at once, and nothing starts', async () => {
  vi.stubEnv('SIERRA_BATCH_BUCKET', undefined);
  vi.stubEnv('SIERRA_BATCH_QUEUES', '{"q":');
  vi.stubEnv('SIERRA_BATCH_SSH_PORT', '99999');
  const failure = await failureOf(handlers());
  expect(failure.name).toBe('BadEnvironment');
  for (const name of ['SIERRA_BATCH_BUCKET', 'SIERRA_BATCH_QUEUES', 'SIERRA_BATCH_SSH_PORT'])
    expect(failure.message).toContain(name);
});
